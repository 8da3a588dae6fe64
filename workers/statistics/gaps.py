"""Differences of a figure between groups of rows."""

import math
from collections.abc import Iterable

from workers.statistics.discrimination import auroc, delong_variance
from workers.statistics.estimate import LEVEL, Estimate, normal, undefined
from workers.statistics.proportions import wilson
from workers.statistics.ranks import Ranks


def proportion_gap(first: tuple[float, float], second: tuple[float, float], level: float = LEVEL) -> Estimate:
    """First less second of two independent proportions, each `(count, of)`; interval by Newcombe's method 10 (1998)."""
    if not first[1] or not second[1]:
        return undefined("a group has no such rows")
    shares = [count / of for count, of in (first, second)]
    (low, high), (other_low, other_high) = wilson(*first, level), wilson(*second, level)
    gap = shares[0] - shares[1]
    below = math.hypot(shares[0] - low, other_high - shares[1])
    above = math.hypot(high - shares[0], shares[1] - other_low)
    return Estimate(gap, gap - below, gap + above)


def area_gap(first: Ranks, second: Ranks, level: float = LEVEL) -> Estimate:
    """First less second of the areas under the ROC curve of two groups that share no row; DeLong's variances add up."""
    if first.lacks or second.lacks:
        return undefined(f"a group has {first.lacks or second.lacks}")
    parts = [(auroc(one).value or 0.0, delong_variance(one)) for one in (first, second)]
    return normal(parts[0][0] - parts[1][0], parts[0][1] + parts[1][1], level)


def spread(values: Iterable[float | None]) -> float | None:
    """Largest less smallest of the values that there are; None of fewer than two."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) > 1 else None
