"""Ranks of more rows than memory holds: counts of scores in fixed bins, which add up over shards in any order.

A bin holds the float32 numbers that share their sign, exponent and first mantissa bits: its width is a fixed share of
its value (2^-13 with the default of 22 bits), wherever scores lie, without knowing their range beforehand. Bins do not
depend on the rows: sketches of the same rows are equal however these are cut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.statistics.ranks import Floats, Ranks

BITS = 22
"""Bits of sign, exponent and mantissa that a bin keeps: 4 million bins, of which only those with rows are held."""


@dataclass
class ScoreSketch:
    """Adds up rows, keeping for each bin their number and the sum of their scores by class."""

    bits: int = BITS

    def __post_init__(self) -> None:
        self._bins: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sums: Floats = np.zeros((0, 3))

    def add(self, scores: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Count these rows; no score is NaN."""
        narrow = np.asarray(scores, np.float32)
        bins, place = np.unique(_ordered(narrow) >> (32 - self.bits), return_inverse=True)
        positive = np.asarray(labels) == 1
        columns = (positive, ~positive, narrow.astype(np.float64))
        self._add(bins, np.stack([np.bincount(place, column, len(bins)) for column in columns], axis=1))

    def merge(self, other: "ScoreSketch") -> None:
        """Count the rows of another, of as many bits, too."""
        if other.bits != self.bits:
            raise ValueError("sketches of other bins do not add up")
        self._add(other._bins, other._sums)

    def ranks(self) -> Ranks:
        """With the mean of each bin's scores for its score."""
        positives, negatives, total = self._sums.T
        return Ranks(total / (positives + negatives), positives, negatives, binned=True)

    def _add(self, bins: NDArray[np.int64], sums: Floats) -> None:
        all_bins, place = np.unique(np.concatenate([self._bins, bins]), return_inverse=True)
        found = np.zeros((len(all_bins), 3))
        np.add.at(found, place, np.concatenate([self._sums, sums]))
        self._bins, self._sums = all_bins, found


def _ordered(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole numbers of 32 bits that ascend as the scores do; -0.0 counts as 0.0."""
    pattern = (scores + np.float32(0)).view(np.uint32).astype(np.int64)
    return np.where(pattern >= 1 << 31, (1 << 32) - 1 - pattern, pattern + (1 << 31))
