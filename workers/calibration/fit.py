"""Fit a map to scores and what was true of them, weighted by rows."""

import numpy as np
from numpy.typing import NDArray

from workers.calibration.isotonic import fit_isotonic
from workers.calibration.maps import Beta, Isotonic, Map, Method, Of, Platt, Temperature, logarithms, seen
from workers.statistics.logistic import fit_logistic
from workers.statistics.ranks import Floats, Ranks, sums_at

_SEPARATED = "the scores separate the classes, so that the fit has no end: choose method platt or isotonic"
_FALLS = "positive rows do not have the higher scores: look whether the outcome is named the right way round"


def fit_map(method: Method, ranks: Ranks, probability: bool = True) -> Map:
    """The map of maximum likelihood; `isotonic`: of least squares. `probability`: scores are 0 to 1, else any number.

    Raises ValueError, saying why, where a class has no row, scores are no probabilities, the classes are separated,
    or a map would fall with the score.
    """
    if ranks.lacks:
        raise ValueError(ranks.lacks)
    if probability and (ranks.scores[0] < 0 or ranks.scores[-1] > 1):
        raise ValueError("scores outside of 0 to 1 are no probabilities: say probability: false")
    if method == "isotonic":
        scores, shares = fit_isotonic(ranks)
        return Isotonic(scores=tuple(scores.tolist()), probabilities=tuple(shares.tolist()))
    if method == "beta":
        return _beta(ranks)
    of: Of = "logit" if probability else "score"
    return _platt(ranks, of) if method == "platt" else _temperature(ranks, of)


def mapped(ranks: Ranks, through: Map) -> Ranks:
    """The ranks of the same rows under their calibrated scores, which are float32 as rows have them."""
    scores = through.apply(ranks.scores).astype(np.float32).astype(np.float64)
    distinct, place = np.unique(scores, return_inverse=True)
    positives, negatives = (sums_at(place, of, len(distinct)) for of in (ranks.positives, ranks.negatives))
    return Ranks(distinct, positives, negatives, ranks.binned)


def _temperature(ranks: Ranks, of: Of) -> Temperature:
    (slope,) = _coefficients(seen(ranks.scores, of)[:, None], ranks.positives, ranks.negatives)
    if slope <= 0:
        raise ValueError(_FALLS)
    return Temperature(of=of, temperature=1 / float(slope))


def _platt(ranks: Ranks, of: Of) -> Platt:
    """With Platt's targets, a little inside of 0 and 1: separated classes have an end, too."""
    yes = (ranks.total_positives + 1) / (ranks.total_positives + 2)
    no = 1 / (ranks.total_negatives + 2)
    positives = ranks.positives * yes + ranks.negatives * no
    columns = np.stack([np.ones(len(ranks.scores)), seen(ranks.scores, of)], axis=1)
    intercept, slope = _coefficients(columns, positives, ranks.positives + ranks.negatives - positives)
    if slope < 0:
        raise ValueError(_FALLS)
    return Platt(of=of, slope=float(slope), intercept=float(intercept))


def _beta(ranks: Ranks) -> Beta:
    """A coefficient that would fall is left out, and the other fitted alone, as Kull et al. have it."""
    up, down = logarithms(ranks.scores)
    ones = np.ones(len(up))
    intercept, a, b = _coefficients(np.stack([ones, up, down], axis=1), ranks.positives, ranks.negatives)
    if a < 0:
        intercept, b = _coefficients(np.stack([ones, down], axis=1), ranks.positives, ranks.negatives)
        a = np.float64(0)
    elif b < 0:
        intercept, a = _coefficients(np.stack([ones, up], axis=1), ranks.positives, ranks.negatives)
        b = np.float64(0)
    if a < 0 or b < 0:
        raise ValueError(_FALLS)
    return Beta(a=float(a), b=float(b), intercept=float(intercept))


def _coefficients(columns: Floats, positives: Floats, negatives: Floats) -> NDArray[np.float64]:
    """Raises ValueError where the steps do not converge."""
    fit = fit_logistic(columns, positives, negatives)
    if not fit.converged:
        raise ValueError(_SEPARATED)
    return fit.coefficients
