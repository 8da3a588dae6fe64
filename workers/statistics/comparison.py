"""Two models on the same rows: what differs between them is more certain than either figure."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from workers.statistics.discrimination import auroc, placements
from workers.statistics.estimate import LEVEL, Estimate, normal, undefined
from workers.statistics.ranks import Floats, rank


@dataclass(frozen=True)
class Difference:
    """First less second, with its interval, and the p-value of no difference (None where there is none)."""

    estimate: Estimate
    p_value: float | None


def paired_delong(first: Floats, second: Floats, labels: NDArray[np.integer], level: float = LEVEL) -> Difference:
    """Difference of two areas under the ROC curve of the same rows (DeLong 1988)."""
    positive = np.asarray(labels) == 1
    ranked = [rank(scores, labels) for scores in (first, second)]
    if ranked[0].lacks:
        return Difference(undefined(ranked[0].lacks), None)
    areas = [float(auroc(each).value or 0) for each in ranked]
    variance = 0.0
    for name, chosen in (("positives", positive), ("negatives", ~positive)):
        placed = [
            getattr(placements(each), name)[each.place(scores[chosen])]
            for each, scores in zip(ranked, (first, second), strict=True)
        ]
        if int(chosen.sum()) > 1:
            variance += float(np.var(placed[0] - placed[1], ddof=1)) / int(chosen.sum())
    estimate = normal(areas[0] - areas[1], variance, level)
    if not variance:
        return Difference(estimate, 1.0 if areas[0] == areas[1] else 0.0)
    z = abs(areas[0] - areas[1]) / math.sqrt(variance)
    return Difference(estimate, 2 * NormalDist().cdf(-z))


@dataclass(frozen=True)
class McNemar:
    """Rows that only the first, and only the second, has right; the exact two-sided p-value of equal accuracy."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> McNemar:
    """The exact test: of the rows where they differ, each is equally likely to be right."""
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    differ = only_first + only_second
    p_value = min(1.0, 2 * float(bdtr(min(only_first, only_second), differ, 0.5))) if differ else 1.0
    return McNemar(only_first, only_second, p_value)
