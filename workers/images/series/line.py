"""Places along the normal to indices: which slices follow each other at one distance, and which are missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_TOLERANCE_MM = 0.05
TOLERANCE = 0.02
"""The share of the distance between slices that counts where it is more."""
_MOST_TOLERANCE = 0.2
# Places in a header have few digits: what is on the border stays inside.
_ROUNDING_MM = 1e-3
_NARROWING = 80
_MOST_STEPS = 65_535


@dataclass(frozen=True)
class Line:
    """Place `i` is `start + step * indices[i]`, by least squares; `residual` is the largest distance from that, and
    `strip` the smallest that any line could have."""

    indices: Integers
    start: float
    step: float
    residual: float
    strip: float

    @property
    def fits(self) -> bool:
        """Whether some straight line passes every place at a tolerable distance."""
        return self.strip <= tolerance(self.step)

    @property
    def missing(self) -> tuple[int, ...]:
        """The indices between the first and the last that no place has."""
        return tuple(sorted(set(range(int(self.indices[-1]) + 1)) - set(self.indices.tolist())))


def tolerance(step: float) -> float:
    """How far from its line a slice may lie: 0.05 mm or 2 % of the step.

    Never more than a fifth of a step: a missing slice moves its neighbours by a quarter at least.
    """
    return min(max(LEAST_TOLERANCE_MM, TOLERANCE * step) + _ROUNDING_MM, _MOST_TOLERANCE * step)


def fit_line(places: Floats) -> Line | None:
    """The line of these places, two and more that rise; with gaps where whole steps are missing; None if none fits."""
    steps = np.diff(places)
    whole = _line(places, np.arange(len(places)))
    return whole if whole.fits else _with_gaps(places, steps)


def _with_gaps(places: Floats, steps: Floats) -> Line | None:
    """The line of the longest step that explains all distances as whole multiples."""
    for step in _candidates(steps):
        if float(steps.sum()) > _MOST_STEPS * step:
            continue
        multiples = np.rint(steps / step).astype(np.int64)
        if multiples.min() < 1:
            continue
        line = _line(places, np.concatenate([[0], np.cumsum(multiples)]))
        if line.fits and _near_multiples(steps, multiples, line.step):
            return line
    return None


def _near_multiples(steps: Floats, multiples: Integers, step: float) -> bool:
    """Within 10 % of a step, or what two slices at the border of their tolerance make of it."""
    return bool(np.all(np.abs(steps - multiples * step) <= max(0.1 * step, 2 * tolerance(step))))


def _candidates(steps: Floats) -> list[float]:
    """Means of distances that are alike, from the longest; a step of twice the shortest would explain that by none."""
    shortest = np.sort(steps[steps < 1.9 * steps.min()])
    cuts = np.flatnonzero(np.diff(shortest) > 0.1 * shortest[0]) + 1
    return sorted({float(np.median(part)) for part in np.split(shortest, cuts)} | {float(np.median(shortest))})[::-1]


def _line(places: Floats, indices: Integers) -> Line:
    centred = indices - indices.mean()
    step = float(centred @ places / (centred @ centred))
    start = float(places.mean() - step * indices.mean())
    residual = float(np.abs(places - start - step * indices).max())
    return Line(indices, start, step, residual, _strip(places, indices, step))


def _strip(places: Floats, indices: Integers, step: float) -> float:
    """Half the width of the narrowest strip that holds all points: convex in the slope, so it is closed in on."""
    spread = float(np.ptp(places - step * indices)) / max(float(indices[-1]), 1.0)
    low, high = step - spread, step + spread
    for _ in range(_NARROWING):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if np.ptp(places - left * indices) <= np.ptp(places - right * indices):
            high = right
        else:
            low = left
    return float(np.ptp(places - (low + high) / 2 * indices)) / 2
