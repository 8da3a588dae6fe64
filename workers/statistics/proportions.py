"""Intervals of a proportion."""

import math
from typing import Literal

from scipy.special import betaincinv

from workers.statistics.estimate import LEVEL, Estimate, quantile, undefined

Method = Literal["wilson", "clopper_pearson"]


def proportion(
    count: float, of: float, method: Method = "wilson", level: float = LEVEL, what: str = "rows"
) -> Estimate:
    """`count / of` with its interval; `what` names the denominator where it is nothing."""
    if of == 0:
        return undefined(f"no {what}")
    low, high = (wilson if method == "wilson" else clopper_pearson)(count, of, level)
    return Estimate(count / of, low, high)


def wilson(count: float, of: float, level: float = LEVEL) -> tuple[float, float]:
    """Score interval without continuity correction (Wilson 1927)."""
    z, share = quantile(level), count / of
    middle = share + z * z / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    # The exact bounds at the edges: rounding would leave 1e-17 beside 0.
    low = 0.0 if count == 0 else (middle - half) / scale
    return low, 1.0 if count == of else (middle + half) / scale


def clopper_pearson(count: float, of: float, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval (Clopper and Pearson 1934): never covers less than it says."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, of - count + 1, tail))
    high = 1.0 if count == of else float(betaincinv(count + 1, of - count, 1 - tail))
    return low, high
