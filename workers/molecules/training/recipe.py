"""How networks over fingerprints are fitted. Imports torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.loading import validate
from workers import registry
from workers.models.files import read_json
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG
from workers.molecules.contract import Numbers
from workers.molecules.formats.fingerprint import Fingerprint, FingerprintConfig
from workers.molecules.formats.fingerprint_loaded import as_input
from workers.training.held import Bodies
from workers.training.job.recipes import FitTask
from workers.training.network import fresh_network, whole_settings


@dataclass(frozen=True)
class FingerprintRecipe:
    """Implements `workers.training.job.recipes.TrainingRecipe`."""

    task: FitTask
    name: str
    settings: Mapping[str, Any]

    def network(self) -> nn.Module:
        """With fresh weights, or those of the model directory that it starts from."""
        return fresh_network(registry.networks("molecules"), self.name, self.settings, self.task.start)

    def batch(
        self, examples: Sequence[memoryview], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """As predict gives them to the network."""
        asked: Fingerprint = self.task.source.fingerprint
        values: list[Numbers] = [np.frombuffer(one, np.uint16 if asked.counts else np.uint8) for one in examples]
        return {"x": as_input(values, asked.bits, asked.counts)}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(molecules, logits)."""
        found: Tensor = network(batch["x"])
        return found

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `fingerprint`."""
        named, files = member_files(members)
        config = {
            "format": "fingerprint",
            "format_version": 1,
            "network": self.name,
            "settings": dict(self.settings),
            "fingerprint": self.task.source.fingerprint.model_dump(mode="json"),
            "head": self.task.head.model_dump(mode="json"),
            **named,
        }
        return {CONFIG: json.dumps(config, indent=1).encode() + b"\n", **files}


class FingerprintRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> Bodies:
        """Fingerprints of one length."""
        return Bodies(rows["fingerprint"])

    def open(self, task: FitTask, train: Sequence[memoryview]) -> FingerprintRecipe:
        """The network that the spec names. Raises SpecError for one to start from that sees other fingerprints."""
        asked: Fingerprint = task.source.fingerprint
        if task.start is not None:
            config = validate(FingerprintConfig, read_json(task.start / CONFIG), f"input.start: {CONFIG}")
            if config.fingerprint != asked:
                raise SpecError(
                    f"input.start: sees the fingerprint {config.fingerprint.model_dump()}, and input.fingerprint is "
                    "another: say the same"
                )
        decided = {"num_inputs": asked.bits, "num_outputs": len(task.head.labels)}
        recipe = FingerprintRecipe(
            task, task.source.network.name, whole_settings(task.source.network.settings, decided)
        )
        recipe.network()
        return recipe


RECIPES = FingerprintRecipes()
"""What `job: train` takes of this room."""
