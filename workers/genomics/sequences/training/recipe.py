"""How networks on bases are fitted. Imports torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.loading import validate
from workers import registry
from workers.genomics.sequences.formats.cnn import SequenceCnn
from workers.genomics.sequences.networks.variant_scorer import one_hot
from workers.genomics.sequences.training.settings import SequencesTraining
from workers.genomics.sequences.training.steps import steps_of
from workers.genomics.sequences.windows import reverse_complement
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG
from workers.text_models.token_windows import ScoreWindows
from workers.text_models.training.texts import over_windows
from workers.training.held import Bodies
from workers.training.job.recipes import FitTask
from workers.training.network import fresh_network, whole_settings


def settings_of(source: SequencesTraining, outputs: int) -> dict[str, Any]:
    """Settings of the network. Raises SpecError where a person set what is decided."""
    return whole_settings(source.network.settings, {"num_outputs": outputs})


def config_of(source: SequencesTraining, outputs: int) -> Any:
    """The network's checked settings, which know its `window`. Raises SpecError."""
    module = registry.networks("sequences").load(source.network.name, "input.network.name")
    return validate(module.Config, settings_of(source, outputs), "input.network.settings")


@dataclass(frozen=True)
class SequenceRecipe:
    """Implements `workers.training.job.recipes.TrainingRecipe`."""

    task: FitTask
    settings: Mapping[str, Any]

    def network(self) -> nn.Module:
        """With fresh weights, or those of the model directory that it starts from."""
        start = self.task.start
        return fresh_network(registry.networks("sequences"), self.task.source.network.name, self.settings, start)

    @property
    def _both_strands(self) -> bool:
        return steps_of(self.task.steps).both_strands

    def batch(
        self, examples: Sequence[memoryview], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """(sequences, 4, window) as predict gives them to the network; with both strands each beside its reverse."""
        shown = [np.frombuffer(one, np.uint8) for one in examples]
        if self._both_strands:
            shown = [strand for bases in shown for strand in (bases, reverse_complement(bases))]
        return {"x": one_hot(np.stack(shown))}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(sequences, logits), of both strands those of the mean score."""
        found: Tensor = network(batch["x"])
        if not self._both_strands:
            return found
        return over_windows(self.task.head.activation, ScoreWindows())(found.float(), [2] * (len(found) // 2))

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `sequence-cnn`."""
        named, files = member_files(members)
        steps = steps_of(self.task.steps)
        config = {
            "format": SequenceCnn.name,
            "format_version": 1,
            "network": self.task.source.network.name,
            "settings": dict(self.settings),
            "window": config_of(self.task.source, len(self.task.head.labels)).window,
            "head": self.task.head.model_dump(mode="json"),
            "ambiguous": steps.window.ambiguous,
            "both_strands": steps.both_strands,
            **named,
        }
        return {CONFIG: json.dumps(config, indent=1).encode() + b"\n", **files}


class SequenceRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> Bodies:
        """Sequences of one length."""
        return Bodies(rows["bases"])

    def open(self, task: FitTask, train: Sequence[memoryview]) -> SequenceRecipe:
        """The network that the spec names."""
        recipe = SequenceRecipe(task, settings_of(task.source, len(task.head.labels)))
        recipe.network()
        return recipe


RECIPES = SequenceRecipes()
"""What `job: train` takes of this room."""
