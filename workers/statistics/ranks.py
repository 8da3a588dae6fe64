"""Scores in ascending order with how many positive and negative rows have each: all that a ranking can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]


@dataclass(frozen=True)
class Ranks:
    """`scores` ascend and are distinct; `positives` and `negatives` are weights of the rows at each.

    `binned`: a score stands for a narrow range of scores, so that rows in it count as tied.
    """

    scores: Floats
    positives: Floats
    negatives: Floats
    binned: bool = False

    @cached_property
    def total_positives(self) -> float:
        """Weight of the positive rows."""
        return float(self.positives.sum())

    @cached_property
    def total_negatives(self) -> float:
        """Weight of the negative rows."""
        return float(self.negatives.sum())

    @property
    def rows(self) -> float:
        """Weight of all rows."""
        return self.total_positives + self.total_negatives

    @property
    def lacks(self) -> str:
        """Which class has no row, in words; empty where both have one."""
        if not self.rows:
            return "no rows"
        if not self.total_positives:
            return "no positive rows"
        return "" if self.total_negatives else "no negative rows"

    @cached_property
    def positives_from(self) -> Floats:
        """Weight of positive rows at each score or above: true positives, were it the threshold."""
        return np.cumsum(self.positives[::-1])[::-1]

    @cached_property
    def negatives_from(self) -> Floats:
        """Weight of negative rows at each score or above: false positives, were it the threshold."""
        return np.cumsum(self.negatives[::-1])[::-1]

    def place(self, scores: Floats) -> NDArray[np.intp]:
        """Where each of these scores stands among `scores`: of the ranks that they were made into."""
        return np.searchsorted(self.scores, scores)


def rank(scores: Sequence[float] | Floats, labels: Sequence[int] | Labels, weights: Floats | None = None) -> Ranks:
    """Exact ranks of rows in memory. `labels` are 1 for positive and 0 for negative; neither array has NaN."""
    values = np.asarray(scores, np.float64)
    positive = np.asarray(labels) == 1
    weight = np.ones(len(values)) if weights is None else weights
    distinct, place = np.unique(values, return_inverse=True)
    return Ranks(
        distinct,
        sums_at(place, weight * positive, len(distinct)),
        sums_at(place, weight * ~positive, len(distinct)),
    )


def sums_at(place: NDArray[np.intp], values: Floats, number: int) -> Floats:
    """The sum of the values at each of so many places."""
    return np.bincount(place, values, number).astype(np.float64)


def merge(parts: Sequence[Ranks]) -> Ranks:
    """Ranks of all rows of several parts."""
    distinct, place = np.unique(np.concatenate([part.scores for part in parts]), return_inverse=True)
    positives, negatives = (
        sums_at(place, np.concatenate([getattr(part, name) for part in parts]), len(distinct))
        for name in ("positives", "negatives")
    )
    return Ranks(distinct, positives, negatives, any(part.binned for part in parts))
