"""Copies of a panel's effect alleles as a training keeps them: as `predict` gathers them, before anything is filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.genomics.genotypes.panel import Encoding, PanelMatrix

SHOWN = (
    OutputField(
        name="copies",
        type="list<float32>",
        meaning="copies of each effect allele in the panel's order; below 0 where nothing was called",
    ),
    OutputField(name="haploid", type="list<int32>", meaning="places of the panel of which the sample has one copy"),
)
"""What a training keeps of each sample."""

Floats = NDArray[np.float64]


def unfilled(length: int) -> Encoding:
    """Copies as they are; twice this frequency is -1, which stands where nothing was called."""
    return Encoding(np.full(length, -0.5), "copies")


def columns_of(matrix: PanelMatrix, samples: int) -> dict[str, Any]:
    """The columns of `SHOWN` of the first samples of a matrix whose panel is `unfilled`."""
    copies = matrix.inputs(0, samples)
    offsets = np.arange(samples + 1, dtype=np.int32) * copies.shape[1]
    return {
        "copies": pa.ListArray.from_arrays(pa.array(offsets), pa.array(copies.reshape(-1))),
        "haploid": matrix.haploid_places(samples),
    }


class HeldCopies:
    """Copies of many samples, which may be more than fit into memory: the numbers stay where Arrow has them."""

    def __init__(self, rows: pa.Table) -> None:
        copies = [_rows_of(chunk) for chunk in rows["copies"].chunks]
        self._parts = [part for part in copies if len(part)]
        self._starts = np.cumsum([0, *map(len, self._parts)])
        self._haploid = rows["haploid"]
        self.length = self._parts[0].shape[1]
        """Variants of the panel"""

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._starts[-1])

    def take(self, records: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Copies, and how many alleles a sample has, (records, panel)."""
        copies = np.empty((len(records), self.length), np.float32)
        of = np.searchsorted(self._starts, records, side="right") - 1
        for part in np.unique(of):
            copies[of == part] = self._parts[part][records[of == part] - self._starts[part]]
        alleles = np.full(copies.shape, 2, np.uint8)
        for row, places in enumerate(self._haploid.take(pa.array(records)).to_pylist()):
            alleles[row, places] = 1
        return copies, alleles


def _rows_of(copies: pa.ListArray) -> NDArray[np.float32]:
    found: NDArray[np.float32] = copies.flatten().to_numpy()
    return found.reshape(len(copies), -1) if len(copies) else found.reshape(0, 0)
