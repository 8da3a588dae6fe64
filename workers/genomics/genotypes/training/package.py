"""A trained network as a model directory over a panel. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor

from workers.genomics.genotypes.formats.write_panel import write_panel_model
from workers.genomics.genotypes.training.recipe import PanelRecipe
from workers.models.head import Head


def write_trained(
    folder: Path,
    recipe: PanelRecipe,
    variants: pl.DataFrame,
    members: Sequence[Mapping[str, Tensor]],
    head: Head,
    **more: Any,
) -> None:
    """`variants` are those of the whole panel, of which the network has some; `members` the weights of one network, or
    of several that are one model; `more` are other keys of `config.json`,
    such as `genome_build`."""
    own = variants[recipe.panel.kept.tolist()].with_columns(effect_frequency=pl.Series(recipe.panel.frequency))
    config = {
        "network": recipe.name,
        "settings": recipe.settings,
        "head": head.model_dump(mode="json"),
        "scale": recipe.scale,
        **more,
    }
    write_panel_model(folder, config, own, *members)
