"""How well scores tell positive rows from negative ones, at no threshold in particular."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.statistics.estimate import LEVEL, Estimate, on_logit, undefined
from workers.statistics.ranks import Floats, Labels, Ranks


def auroc(ranks: Ranks, level: float = LEVEL) -> Estimate:
    """Area under the ROC curve, ties counting half, with DeLong's variance (1988) on the scale of the logit."""
    if ranks.lacks:
        return undefined(ranks.lacks)
    area = _area(ranks)
    return on_logit(area, delong_variance(ranks), level)


def delong_variance(ranks: Ranks) -> float:
    """Variance of the area (DeLong, DeLong and Clarke-Pearson 1988). A class of one row adds nothing."""
    parts = placements(ranks)
    area = _area(ranks)
    found = 0.0
    for placed, weight in ((parts.positives, ranks.positives), (parts.negatives, ranks.negatives)):
        rows = float(weight.sum())
        if rows > 1:
            found += float(np.dot(weight, (placed - area) ** 2)) / (rows - 1) / rows
    return found


@dataclass(frozen=True)
class Placements:
    """By score: the share of negative rows below (ties half), and the share of positive rows above (ties half)."""

    positives: Floats
    negatives: Floats


def placements(ranks: Ranks) -> Placements:
    """DeLong's structural components, which are the same for all rows of one score."""
    below = ranks.total_negatives - ranks.negatives_from + ranks.negatives / 2
    above = ranks.positives_from - ranks.positives / 2
    return Placements(below / ranks.total_negatives, above / ranks.total_positives)


def tie_error(ranks: Ranks) -> float:
    """The most by which binning may have changed the area: half of the pairs that share a bin. 0 for exact ranks."""
    if not ranks.binned or ranks.lacks:
        return 0.0
    return float(np.dot(ranks.positives, ranks.negatives)) / (2 * ranks.total_positives * ranks.total_negatives)


def clustered_variance(ranks: Ranks, scores: Floats, labels: Labels, clusters: NDArray[np.integer]) -> float:
    """Variance of the area where rows of one cluster (a person) belong together (Obuchowski, Biometrics 1997;53:567).

    `clusters` are numbers from 0 on. Infinite where there are fewer than two clusters of a class.
    """
    parts, area, place = placements(ranks), _area(ranks), ranks.place(scores)
    positive = np.asarray(labels) == 1
    number = int(clusters.max()) + 1
    sums, with_class = [], []
    for placed, chosen, rows in (
        (parts.positives, positive, ranks.total_positives),
        (parts.negatives, ~positive, ranks.total_negatives),
    ):
        sums.append(np.bincount(clusters[chosen], placed[place[chosen]] - area, number) / rows)
        with_class.append(len(np.unique(clusters[chosen])))
    if min(with_class) < 2:
        return math.inf
    first, second = (
        count / (count - 1) * float(np.dot(part, part)) for part, count in zip(sums, with_class, strict=True)
    )
    return first + second + 2 * number / (number - 1) * float(np.dot(sums[0], sums[1]))


def average_precision(ranks: Ranks) -> Estimate:
    """Area under the precision-recall curve as a sum of steps, without interpolation: to be read beside the prevalence,
    which is what scores without information reach."""
    if ranks.lacks:
        return undefined(ranks.lacks)
    return Estimate(float(np.dot(ranks.positives, _precision(ranks))) / ranks.total_positives)


def roc_curve(ranks: Ranks, points: int = 400) -> tuple[Floats, Floats]:
    """False and true positive rates from (0, 0) to (1, 1), thinned to about so many points, corners kept."""
    false = np.append(ranks.negatives_from, 0.0)[::-1] / ranks.total_negatives
    true = np.append(ranks.positives_from, 0.0)[::-1] / ranks.total_positives
    keep = _thinned(false + true, points)
    return false[keep], true[keep]


def precision_recall_curve(ranks: Ranks, points: int = 400) -> tuple[Floats, Floats]:
    """Recall and precision by falling threshold, thinned to about so many points."""
    recall = ranks.positives_from[::-1] / ranks.total_positives
    precision = _precision(ranks)[::-1]
    keep = _thinned(recall, points)
    return recall[keep], precision[keep]


def _precision(ranks: Ranks) -> Floats:
    """At each score as threshold; 0 where a resample has no row from there on."""
    flagged = ranks.positives_from + ranks.negatives_from
    return np.divide(ranks.positives_from, flagged, out=np.zeros_like(flagged), where=flagged > 0)


def _thinned(ascending: Floats, points: int) -> NDArray[np.intp]:
    """Places of about so many values, evenly spread over their range; first and last are among them."""
    if len(ascending) <= points:
        return np.arange(len(ascending))
    wanted = np.linspace(ascending[0], ascending[-1], points)
    return np.unique(np.append(np.searchsorted(ascending, wanted[:-1]), len(ascending) - 1))


def _area(ranks: Ranks) -> float:
    below = ranks.total_negatives - ranks.negatives_from + ranks.negatives / 2
    return float(np.dot(ranks.positives, below)) / (ranks.total_positives * ranks.total_negatives)
