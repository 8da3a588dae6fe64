"""Isotonic regression: the shares nearest to those observed that never fall as the score rises."""

import numpy as np

from workers.statistics.ranks import Floats, Ranks


def fit_isotonic(ranks: Ranks) -> tuple[Floats, Floats]:
    """Scores and shares of the corners between which the fitted line is straight, by pooling adjacent violators (Ayer
    et al. 1955). There is a row of each class, and no share is 0 or 1: `_inside`."""
    weight = ranks.positives + ranks.negatives
    fitted = _inside(_pooled(ranks.positives, weight), weight)
    # Inside a level stretch no point says more than its ends do.
    same = np.diff(fitted) == 0
    corner = (
        ~np.concatenate([[False], same[1:] & same[:-1], [False]]) if len(fitted) > 2 else np.ones(len(fitted), bool)
    )
    return ranks.scores[corner], fitted[corner]


def _inside(fitted: Floats, weight: Floats) -> Floats:
    """Levels of rows of one class alone by Laplace's rule of succession, 1 / (rows + 2) and the same below 1, or at the
    next level where that is nearer: that none of some rows was positive does not say that none will be."""
    found = fitted.copy()
    for pure, away in ((0.0, np.positive), (1.0, lambda share: 1 - share)):
        level = fitted == pure
        others = away(fitted[~level])
        if level.any():
            share = 1 / (weight[level].sum() + 2)
            found[level] = away(min([share, *others]))
    return found


def _pooled(positives: Floats, weight: Floats) -> Floats:
    """The share of the block that each place is in: blocks are joined while one lies below the block before it."""
    blocks: list[tuple[float, float, int]] = []
    for positive, rows in zip(positives.tolist(), weight.tolist(), strict=True):
        block = (positive, rows, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return np.repeat([positive / rows for positive, rows, _ in blocks], [places for _, _, places in blocks])
