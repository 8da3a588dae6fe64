"""A figure and how sure it is."""

import math
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95
"""Coverage of an interval, unless another is asked for."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval. `value` is None where it is not defined, and `note` says why; bounds are None where
    no interval can be told."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def width(self) -> float | None:
        """Width of the interval, or None."""
        return None if self.low is None or self.high is None else self.high - self.low


def undefined(why: str) -> Estimate:
    """A figure that these rows do not have."""
    return Estimate(None, note=why)


def quantile(level: float = LEVEL) -> float:
    """Quantile of the standard normal for a two-sided interval: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def normal(value: float, variance: float, level: float = LEVEL) -> Estimate:
    """With the interval of a normal distribution of this variance."""
    half = quantile(level) * math.sqrt(max(variance, 0.0))
    return Estimate(value, value - half, value + half)


def on_logit(value: float, variance: float, level: float = LEVEL) -> Estimate:
    """For a figure between 0 and 1: normal on the scale of its logit (delta method), so that no bound leaves it.

    At 0 or 1 the logit has no variance: there is no interval.
    """
    if not 0 < value < 1:
        return Estimate(value, note="no interval at the edge of the scale")
    logit, half = math.log(value / (1 - value)), quantile(level) * math.sqrt(max(variance, 0.0)) / (value * (1 - value))
    return Estimate(value, _expit(logit - half), _expit(logit + half))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
