"""Samples whose risk is the sum of what some variants of a panel add to it: no model can rank better than it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workers.genomics.genotypes.training.copies import HeldCopies
from workers.training.held import HeldExamples


@dataclass(frozen=True)
class PlantedPanel:
    """`copies` (samples, variants), -1 where nothing was called."""

    copies: NDArray[np.float32]
    risk: NDArray[np.float64]
    outcome: NDArray[np.float64]

    def examples(self) -> HeldExamples[HeldCopies]:
        held = HeldCopies(rows_of(self.copies, [[]] * len(self.copies)))
        return HeldExamples(held, len(held))


def rows_of(copies: NDArray[np.float32], haploid: list[list[int]], chunk: int = 1000) -> pa.Table:
    """As stage `prepare` writes them, in several chunks."""
    whole = pa.table(
        {
            "copies": pa.array(list(copies), pa.list_(pa.float32())),
            "haploid": pa.array(haploid, pa.list_(pa.int32())),
        }
    )
    return pa.concat_tables([whole.slice(start, chunk) for start in range(0, len(copies), chunk)])


def planted_panel(samples: int, seed: int, variants: int = 48, missing: float = 0.01) -> PlantedPanel:
    """A quarter of the variants, wherever they lie, adds to the risk."""
    chance = np.random.default_rng(seed)
    frequency = chance.uniform(0.05, 0.5, variants)
    copies = chance.binomial(2, frequency, (samples, variants)).astype(np.float32)
    effect = np.where(chance.random(variants) < 0.25, chance.normal(0, 0.35, variants), 0)
    logit = ((copies - 2 * frequency) / np.sqrt(2 * frequency * (1 - frequency))) @ effect - 0.5
    risk = 1 / (1 + np.exp(-logit))
    copies[chance.random(copies.shape) < missing] = -1
    return PlantedPanel(copies, risk, (chance.random(samples) < risk).astype(np.float64))
