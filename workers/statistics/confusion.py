"""The four counts at a threshold, and every figure that follows from them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.statistics.estimate import LEVEL, Estimate, quantile, undefined
from workers.statistics.proportions import Method, proportion
from workers.statistics.ranks import Ranks


@dataclass(frozen=True)
class Confusion:
    """Rows by what was true and what the threshold says."""

    true_positives: float
    false_positives: float
    false_negatives: float
    true_negatives: float

    @property
    def rows(self) -> float:
        """All of them."""
        return self.positives + self.negatives

    @property
    def positives(self) -> float:
        """Rows that are positive in truth."""
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> float:
        """Rows that are negative in truth."""
        return self.false_positives + self.true_negatives

    @property
    def flagged(self) -> float:
        """Rows at the threshold or above."""
        return self.true_positives + self.false_positives


def confusion_at(ranks: Ranks, threshold: float) -> Confusion:
    """A score at the threshold or above it counts as positive."""
    place = int(np.searchsorted(ranks.scores, threshold))
    true = float(ranks.positives_from[place]) if place < len(ranks.scores) else 0.0
    false = float(ranks.negatives_from[place]) if place < len(ranks.scores) else 0.0
    return Confusion(true, false, ranks.total_positives - true, ranks.total_negatives - false)


def sensitivity(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of the positive rows that is flagged."""
    return proportion(counts.true_positives, counts.positives, method, level, "positive rows")


def specificity(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of the negative rows that is not flagged."""
    return proportion(counts.true_negatives, counts.negatives, method, level, "negative rows")


def ppv(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of the flagged rows that is positive."""
    return proportion(counts.true_positives, counts.flagged, method, level, "rows above the threshold")


def npv(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of the rows that are not flagged that is negative."""
    return proportion(counts.true_negatives, counts.rows - counts.flagged, method, level, "rows below the threshold")


def accuracy(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of the rows on the right side of the threshold."""
    return proportion(counts.true_positives + counts.true_negatives, counts.rows, method, level)


def flagged(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of all rows at the threshold or above."""
    return proportion(counts.flagged, counts.rows, method, level)


def prevalence(counts: Confusion, method: Method = "wilson", level: float = LEVEL) -> Estimate:
    """Share of all rows that is positive in truth."""
    return proportion(counts.positives, counts.rows, method, level)


def f1(counts: Confusion) -> Estimate:
    """Harmonic mean of sensitivity and positive predictive value."""
    below = 2 * counts.true_positives + counts.false_positives + counts.false_negatives
    return Estimate(2 * counts.true_positives / below) if below else undefined("no positive and no flagged rows")


def balanced_accuracy(counts: Confusion, level: float = LEVEL) -> Estimate:
    """Mean of sensitivity and specificity, with the interval of two independent proportions."""
    parts = [sensitivity(counts), specificity(counts)]
    if any(part.value is None for part in parts):
        return undefined(next(part.note for part in parts if part.value is None))
    shares = [float(part.value or 0) for part in parts]
    of = (counts.positives, counts.negatives)
    variance = sum(share * (1 - share) / number for share, number in zip(shares, of, strict=True)) / 4
    half = quantile(level) * math.sqrt(variance)
    middle = sum(shares) / 2
    return Estimate(middle, max(0.0, middle - half), min(1.0, middle + half))


def positive_likelihood_ratio(counts: Confusion, level: float = LEVEL) -> Estimate:
    """Sensitivity by (1 - specificity), interval on the scale of the logarithm (Simel 1991)."""
    return _ratio(
        (counts.true_positives, counts.positives), (counts.false_positives, counts.negatives), level, "false positives"
    )


def negative_likelihood_ratio(counts: Confusion, level: float = LEVEL) -> Estimate:
    """(1 - sensitivity) by specificity, interval on the scale of the logarithm (Simel 1991)."""
    return _ratio(
        (counts.false_negatives, counts.positives), (counts.true_negatives, counts.negatives), level, "true negatives"
    )


def _ratio(above: tuple[float, float], below: tuple[float, float], level: float, divisor: str) -> Estimate:
    if not above[1] or not below[1]:
        return undefined("no positive rows" if not above[1] else "no negative rows")
    if not below[0]:
        return undefined(f"no {divisor}")
    value = above[0] / above[1] * below[1] / below[0]
    if not above[0]:
        return Estimate(0.0, note="no interval at the edge of the scale")
    spread = quantile(level) * math.sqrt(1 / above[0] - 1 / above[1] + 1 / below[0] - 1 / below[1])
    return Estimate(value, value * math.exp(-spread), value * math.exp(spread))


def matthews(counts: Confusion) -> Estimate:
    """Matthews' correlation coefficient."""
    sides = (counts.positives, counts.negatives, counts.flagged, counts.rows - counts.flagged)
    if not all(sides):
        return undefined("a row or a column of the table is empty")
    true = counts.true_positives * counts.true_negatives
    return Estimate((true - counts.false_positives * counts.false_negatives) / math.sqrt(math.prod(sides)))


FIGURES: dict[str, Callable[[Confusion], Estimate]] = {
    "sensitivity": sensitivity,
    "specificity": specificity,
    "ppv": ppv,
    "npv": npv,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "mcc": matthews,
    "positive_likelihood_ratio": positive_likelihood_ratio,
    "negative_likelihood_ratio": negative_likelihood_ratio,
    "flagged": flagged,
}
"""By the name that files of figures have."""


def predictive_values_at(counts: Confusion, prevalence: float) -> tuple[float, float]:
    """PPV and NPV that the same sensitivity and specificity have where so large a share is positive (Bayes).

    Raises ValueError where sensitivity or specificity is not defined or a predictive value would divide by nothing.
    """
    found = sensitivity(counts).value, specificity(counts).value
    if found[0] is None or found[1] is None:
        raise ValueError("predictive values need rows of both classes")
    true, false = prevalence * found[0], (1 - prevalence) * (1 - found[1])
    right, missed = (1 - prevalence) * found[1], prevalence * (1 - found[0])
    if true + false == 0 or right + missed == 0:
        raise ValueError("nothing would be above, or below, the threshold")
    return true / (true + false), right / (right + missed)
