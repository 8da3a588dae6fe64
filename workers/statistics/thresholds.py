"""Rules that choose an operating point on tuning data. The threshold is then applied elsewhere as it is.

Every rule gives an observed score; a row at the threshold or above it counts as positive.
"""

import numpy as np

from workers.statistics.ranks import Floats, Ranks


def youden(ranks: Ranks) -> float:
    """The threshold of the largest sensitivity + specificity - 1; of several the lowest, which misses fewest.

    Raises ValueError where a class has no row, as all rules here do.
    """
    true, false = _rates(ranks)
    return _best(ranks, true - false)


def accuracy(ranks: Ranks) -> float:
    """The threshold with most rows on their right side; of several the lowest."""
    _rates(ranks)
    return _best(ranks, ranks.positives_from + ranks.total_negatives - ranks.negatives_from)


def balanced(ranks: Ranks) -> float:
    """The threshold at which sensitivity and specificity are nearest to each other."""
    true, false = _rates(ranks)
    return _best(ranks, -np.abs(true - (1 - false)))


def f1(ranks: Ranks) -> float:
    """The threshold of the largest F1; of several the lowest."""
    _rates(ranks)
    flagged = ranks.positives_from + ranks.negatives_from
    return _best(ranks, 2 * ranks.positives_from / (flagged + ranks.total_positives))


def at_sensitivity(ranks: Ranks, least: float) -> float:
    """The highest threshold whose sensitivity is at least so large."""
    true, _ = _rates(ranks)
    return float(ranks.scores[np.flatnonzero(true >= least - _SLACK)[-1]])


def at_specificity(ranks: Ranks, least: float) -> float:
    """The lowest threshold whose specificity is at least so large; just above the highest score where even that is
    too low."""
    _, false = _rates(ranks)
    fit = np.flatnonzero(1 - false >= least - _SLACK)
    return float(ranks.scores[fit[0]]) if len(fit) else _above_all(ranks)


def at_flagged(ranks: Ranks, most: float) -> float:
    """The lowest threshold that flags at most this share of all rows; just above the highest score where even that
    flags more."""
    share = (ranks.positives_from + ranks.negatives_from) / ranks.rows
    fit = np.flatnonzero(share <= most + _SLACK)
    return float(ranks.scores[fit[0]]) if len(fit) else _above_all(ranks)


_SLACK = 1e-12
"""A share of 0.95 of 100 rows is 95 rows, however it is rounded."""


def _rates(ranks: Ranks) -> tuple[Floats, Floats]:
    if ranks.lacks:
        raise ValueError(f"no threshold can be chosen: {ranks.lacks}")
    return ranks.positives_from / ranks.total_positives, ranks.negatives_from / ranks.total_negatives


def _above_all(ranks: Ranks) -> float:
    return float(np.nextafter(np.float32(ranks.scores[-1]), np.float32(np.inf)))


def _best(ranks: Ranks, gain: Floats) -> float:
    return float(ranks.scores[int(np.argmax(gain))])
