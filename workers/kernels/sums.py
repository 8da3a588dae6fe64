"""Totals of all columns, and the two ways to add a block of packed rows to them by look-up."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workers.kernels.crew import Crew
from workers.kernels.features import Features
from workers.kernels.lookup import rows_of_scores, walk

_TOGETHER = 8


class Totals(Protocol):
    """Sums of every column, of samples in packed order."""

    total: NDArray[np.float64]
    """(columns, 4 x bytes), in any memory order"""

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """Add what `features` count in the rows `packed`, without their constant."""


class Walked:
    """Goes from column to column through its own entries: for few columns, and for many that are sparse."""

    def __init__(self, size: int, columns: int, crew: Crew) -> None:
        self.total = np.zeros((columns, 4 * size))
        self._crew = crew

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """See `Totals`."""
        order = np.argsort(features.column, kind="stable")
        starts = np.searchsorted(features.column[order], np.arange(len(self.total) + 1))
        entry, weight = features.feature[order], features.weight[order]
        self._crew.share(
            lambda first, last: walk(
                packed, features.row, features.values, starts, entry, weight, first, last, self.total
            )
        )


class Laid:
    """Adds all columns of a sample at once: for tens of columns that have most of the variants."""

    def __init__(self, size: int, columns: int, crew: Crew) -> None:
        self._rows = np.zeros((4 * size, columns))
        self.total = self._rows.T
        self._crew = crew

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """See `Totals`."""
        padded = -(-len(features.row) // _TOGETHER) * _TOGETHER
        weights = dense(features, padded, len(self.total)).astype(np.float32)
        row = np.zeros(padded, np.int64)
        row[: len(features.row)] = features.row
        values = np.zeros((padded, 4))
        values[: len(features.row)] = features.values
        self._crew.share(lambda first, last: rows_of_scores(packed, row, values, weights, first, last, self._rows))


def dense(features: Features, height: int, columns: int) -> NDArray[np.float64]:
    """The weights as a matrix (height, columns); entries at one place are added up."""
    place = features.feature * columns + features.column
    return np.bincount(place, features.weight, minlength=height * columns).reshape(height, columns)
