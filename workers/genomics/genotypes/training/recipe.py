"""How a network over a panel is trained: copies filled and scaled as `predict` does it, with frequencies of the
training samples. Imports torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import SpecError
from workers import registry
from workers.genomics.genotypes.formats.panel import Scale
from workers.genomics.genotypes.panel import Encoding
from workers.genomics.genotypes.training.copies import Floats, HeldCopies
from workers.training.held import Held, together
from workers.training.network import fresh_network, whole_settings

_AT_ONCE = 1024
"""Samples whose alleles are counted at a time."""


@dataclass(frozen=True)
class TrainedPanel:
    """Which places of a panel a network is shown, and the frequency of each effect allele in the training samples."""

    kept: NDArray[np.int64]
    frequency: Floats


def fit_panel(examples: Sequence[Held[HeldCopies]]) -> TrainedPanel:
    """Frequencies among the calls of these samples. A variant that is the same in all of them, or called in none,
    tells nothing and is left out. Raises SpecError where none is left."""
    held, records = together(examples)
    counted = held.length
    effect, alleles = np.zeros(counted), np.zeros(counted)
    for some in np.array_split(records, -(-len(records) // _AT_ONCE)):
        copies, of = held.take(some)
        called = copies >= 0
        effect += np.where(called, copies, 0).sum(axis=0, dtype=np.float64)
        alleles += np.where(called, of, 0).sum(axis=0, dtype=np.float64)
    frequency = np.divide(effect, alleles, out=np.zeros(counted), where=alleles > 0)
    kept = np.flatnonzero((frequency > 0) & (frequency < 1))
    if not len(kept):
        raise SpecError("input.panel: no variant of it differs among the training samples: take another panel")
    return TrainedPanel(kept, frequency[kept])


class PanelRecipe:
    """Implements `workers.training.recipe.Recipe`. Raises SpecError for settings that the network has not."""

    def __init__(
        self, network: str, settings: Mapping[str, Any], panel: TrainedPanel, scale: Scale, outputs: int
    ) -> None:
        self.name, self.panel, self.scale = network, panel, scale
        self.settings = whole_settings(settings, {"num_variants": len(panel.kept), "num_outputs": outputs})
        self._encoding = Encoding(panel.frequency, scale)
        self.network()

    def network(self) -> nn.Module:
        """With fresh weights."""
        return fresh_network(registry.networks("genotypes"), self.name, self.settings)

    def batch(
        self, examples: Sequence[Held[HeldCopies]], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """(samples, panel), what was not called filled with as many times the frequency as a sample has alleles."""
        held, records = together(examples)
        copies, alleles = (part[:, self.panel.kept] for part in held.take(records))
        filled = np.where(copies >= 0, copies.astype(np.float64), alleles * self.panel.frequency)
        shown = self._encoding.of(filled.T, np.arange(len(self.panel.kept))).T
        return {"x": torch.from_numpy(np.ascontiguousarray(shown))}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(samples, logits)."""
        found: Tensor = network(batch["x"])
        return found
