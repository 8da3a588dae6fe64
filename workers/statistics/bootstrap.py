"""Intervals of figures that have no formula of their own, and of rows that belong together: persons are drawn, not
rows."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.statistics.estimate import LEVEL, Estimate
from workers.statistics.ranks import Floats

DRAWS = 2000
"""Resamples of an interval, unless another number is asked for."""


def bootstrap(
    clusters: NDArray[np.integer],
    figure: Callable[[Floats], float],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """`bootstrap_all` of one figure."""
    (found,) = bootstrap_all(clusters, lambda weights: [figure(weights)], draws=draws, seed=seed, level=level)
    return found


def bootstrap_all(
    clusters: NDArray[np.integer],
    figures: Callable[[Floats], Sequence[float]],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> list[Estimate]:
    """Each of `figures` of all rows, with its percentile interval from the same resamples.

    `clusters` are numbers from 0 on, one a row; `figures` takes a weight for each row: how often its cluster was drawn.
    Draws without a figure (NaN: a class is missing in them) are left out, and the note says how many they were.
    """
    number = int(clusters.max()) + 1
    generator = np.random.default_rng(seed)
    shares = np.full(number, 1 / number)
    weights = (generator.multinomial(number, shares)[clusters].astype(np.float64) for _ in range(draws))
    found = np.array([figures(weight) for weight in weights])
    values = figures(np.ones(len(clusters)))
    return [_interval(float(value), drawn, level) for value, drawn in zip(values, found.T, strict=True)]


def _interval(value: float, drawn: Floats, level: float) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    if len(known) < 2:
        return Estimate(value, note="no resample has this figure")
    tail = (1 - level) / 2
    low, high = np.quantile(known, (tail, 1 - tail))
    left_out = len(drawn) - len(known)
    note = f"{left_out} of {len(drawn)} resamples have no such figure and are left out" if left_out else ""
    return Estimate(value, float(low), float(high), note)
