"""Totals of all columns, and the two ways to add a block of packed rows to them by look-up."""

from mmap import mmap
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.features import Features
from workers.genomics.kernels.lookup import index_rows, walk
from workers.genomics.kernels.panels import TOGETHER, panel_adder
from workers.genomics.kernels.sample_threads import SampleThreads


class Totals(Protocol):
    """Sums of every column, of samples in packed order."""

    named: NDArray[np.float64]
    """(samples, groups): what is to be added to the columns of groups"""

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """Add what `features` count in the rows `packed`, without their constant."""

    def finish(self) -> NDArray[np.float64]:
        """(columns, samples, and a few that packed rows have behind the last one)"""


class Walked:
    """Goes from column to column through its own entries: for a single column, and for many that are sparse."""

    def __init__(self, size: int, columns: int, scores: int, threads: SampleThreads) -> None:
        self._total = np.zeros((columns, 4 * size))
        self.named = self._total[scores:].T
        self._threads = threads

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """Add a block, each column through its own entries."""
        order = np.argsort(features.column, kind="stable")
        starts = np.searchsorted(features.column[order], np.arange(len(self._total) + 1))
        given = (packed, features.row, features.values, starts, features.feature[order], features.weight[order])
        self._threads.share(lambda first, last: walk(*given, first, last, self._total))

    def finish(self) -> NDArray[np.float64]:
        """The totals as they were added to."""
        return self._total


class Panels:
    """Adds several columns of a sample at once: for scores that have most of the variants.

    Up to four columns are summed in float64; more in float32 within a block, and float64 from block to block.
    """

    def __init__(self, size: int, columns: int, scores: int, threads: SampleThreads) -> None:
        self.named = np.zeros((4 * size, columns - scores))
        self._wide = columns <= panel_adder(wide=True)[1]
        self._add, self._panel = panel_adder(self._wide)
        self._columns, self._threads = columns, threads
        self._totals = [_room(4 * size, self._panel) for _ in range(0, columns, self._panel)]

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """Add a block, several columns of a sample at once."""
        many = len(features.row)
        padded = -(-many // TOGETHER) * TOGETHER
        row, values = np.zeros(padded, np.int64), np.zeros((padded, 4))
        row[:many], values[:many] = features.row, features.values
        number = np.float64 if self._wide else np.float32
        panel, column = np.divmod(features.column.astype(np.int64), self._panel)
        shape = (len(self._totals) * padded, self._panel)
        weights = dense(panel * padded + features.feature, column, features.weight, shape)
        weights = weights.reshape(len(self._totals), padded, self._panel).astype(number)
        rows, values = row.reshape(-1, 4), values.astype(number)
        self._threads.share(lambda first, last: self._add_part(packed, rows, values, weights, first, last))

    def finish(self) -> NDArray[np.float64]:
        """The totals of all panels, which are freed one by one, so that all is there only once."""
        total = np.empty((self._columns, len(self._totals[0])))
        for at in range(0, self._columns, self._panel):
            part = total[at : at + self._panel]
            part[:] = self._totals[at // self._panel].T[: len(part)]
            self._totals[at // self._panel] = np.empty((0, 0))
        total[self._columns - self.named.shape[1] :] += self.named.T
        return total

    def _add_part(
        self,
        packed: NDArray[np.uint8],
        rows: NDArray[np.int64],
        values: NDArray[np.float64],
        weights: NDArray[np.float64],
        first: int,
        last: int,
    ) -> None:
        index = np.empty((len(rows), 4 * (last - first)), np.uint8)
        index_rows(packed, rows, first, last, index)
        for total, panel in zip(self._totals, weights, strict=True):
            self._add(index, values, panel, total[4 * first : 4 * last])


def _room(rows: int, columns: int) -> NDArray[np.float64]:
    """Zeros that the system gets back as soon as nobody holds them, which pieces of the heap often are not."""
    held: NDArray[np.float64] = np.frombuffer(mmap(-1, max(1, 8 * rows * columns)), np.float64, rows * columns)
    return held.reshape(rows, columns)


def dense(
    row: NDArray[np.int64], column: NDArray[np.int64], weight: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """A matrix of entries; those at one place are added up."""
    flat = np.bincount(row * shape[1] + column, weight, minlength=shape[0] * shape[1])
    return flat.astype(np.float64).reshape(shape)
