"""A trained network as a model directory on events. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from workers.ehr.events.formats.write_directory import write_event_model
from workers.ehr.events.training.recipe import EventRecipe
from workers.models.head import Head


def write_trained(
    folder: Path, recipe: EventRecipe, members: Sequence[Mapping[str, Tensor]], head: Head, **more: Any
) -> None:
    """`members` are the weights of one network, or of several that are one model; `more` are other keys of
    `config.json`, such as `task` and `code_system`."""
    config = {
        "network": recipe.name,
        "settings": recipe.settings,
        "head": head.model_dump(mode="json"),
        "encoding": recipe.encoding.model_dump(mode="json"),
        **more,
    }
    write_event_model(folder, config, recipe.vocabulary.table, *members)
