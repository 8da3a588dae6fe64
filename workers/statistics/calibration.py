"""Whether a score of 20 % comes true in 20 % of the rows: intercept, slope, O/E, Brier, and a smooth curve.

After Van Calster et al., "A calibration hierarchy for risk models" (2016): mean calibration (O/E and intercept), weak
calibration (slope) and moderate calibration (the curve).
"""

import math
from dataclasses import dataclass

import numpy as np

from workers.statistics.estimate import LEVEL, Estimate, normal, quantile, undefined
from workers.statistics.logistic import Fit, expit, fit_logistic, logit
from workers.statistics.ranks import Floats, Ranks, sums_at

_SEPARATED = "the scores separate the classes: the fit has no end"
KNOTS = (0.05, 0.35, 0.65, 0.95)
"""Quantiles of the scores at which the smooth curve has its knots (Harrell's choice for four)."""


def brier(ranks: Ranks, level: float = LEVEL) -> Estimate:
    """Mean squared difference of probability and outcome. Of binned ranks it is that of the bins' means."""
    if not ranks.rows:
        return undefined("no rows")
    squares = np.dot(ranks.positives, (1 - ranks.scores) ** 2) + np.dot(ranks.negatives, ranks.scores**2)
    fourth = np.dot(ranks.positives, (1 - ranks.scores) ** 4) + np.dot(ranks.negatives, ranks.scores**4)
    mean = float(squares) / ranks.rows
    return normal(mean, (float(fourth) / ranks.rows - mean * mean) / ranks.rows, level)


def observed_by_expected(ranks: Ranks, level: float = LEVEL) -> Estimate:
    """Positive rows by the sum of the probabilities, interval on the scale of the logarithm."""
    expected = float(np.dot(ranks.positives + ranks.negatives, ranks.scores))
    if not ranks.rows or expected <= 0:
        return undefined("no rows" if not ranks.rows else "no positive row is expected")
    observed = ranks.total_positives
    if not observed:
        return Estimate(0.0, note="no interval at the edge of the scale")
    half = quantile(level) * math.sqrt((1 - observed / ranks.rows) / observed)
    ratio = observed / expected
    return Estimate(ratio, ratio * math.exp(-half), ratio * math.exp(half))


def intercept(ranks: Ranks, level: float = LEVEL) -> Estimate:
    """Calibration in the large: the shift of the logit, its slope held at 1. 0 is right; above, risks are too low."""
    if ranks.lacks:
        return undefined(ranks.lacks)
    ones = np.ones((len(ranks.scores), 1))
    fit = fit_logistic(ones, ranks.positives, ranks.negatives, logit(ranks.scores))
    return _coefficient(fit, 0, level)


def slope(ranks: Ranks, level: float = LEVEL) -> Estimate:
    """Slope of the logit of the outcome on that of the score. 1 is right; below, scores are too extreme."""
    if ranks.lacks:
        return undefined(ranks.lacks)
    if len(ranks.scores) < 2:
        return undefined("all scores are the same")
    columns = np.stack([np.ones(len(ranks.scores)), logit(ranks.scores)], axis=1)
    return _coefficient(fit_logistic(columns, ranks.positives, ranks.negatives), 1, level)


def _coefficient(fit: Fit, column: int, level: float) -> Estimate:
    if not fit.converged:
        return undefined(_SEPARATED)
    return normal(float(fit.coefficients[column]), fit.variance(column), level)


@dataclass(frozen=True)
class CalibrationCurve:
    """Observed share by predicted probability, with its pointwise interval."""

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def smooth_curve(ranks: Ranks, points: int = 100, level: float = LEVEL) -> CalibrationCurve | None:
    """A logistic regression on a restricted cubic spline of the score's logit, from the 1st to the 99th percentile of
    the scores; None where the rows do not carry one (a class is missing, few distinct scores, separated classes)."""
    made = _spline_fit(ranks)
    if made is None:
        return None
    fit, knots = made
    edges = _weighted_quantiles(ranks, (0.01, 0.99))
    at = np.linspace(edges[0], edges[1], points)
    columns = _spline(logit(at), knots)
    middle = columns @ fit.coefficients
    half = quantile(level) * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", columns, fit.covariance, columns), 0))
    return CalibrationCurve(at, expit(middle), expit(middle - half), expit(middle + half))


def integrated_calibration_index(ranks: Ranks) -> Estimate:
    """Mean distance of the smooth curve from the diagonal, over the rows (Austin and Steyerberg 2019)."""
    made = _spline_fit(ranks)
    if made is None:
        return undefined(ranks.lacks or "the rows do not carry a smooth curve")
    fit, knots = made
    away = np.abs(expit(_spline(logit(ranks.scores), knots) @ fit.coefficients) - ranks.scores)
    return Estimate(float(np.dot(ranks.positives + ranks.negatives, away)) / ranks.rows)


def grouped(ranks: Ranks, groups: int = 10) -> tuple[Floats, Floats, Floats]:
    """Mean score, observed share and number of rows in groups of about as many rows; equal scores stay together."""
    weight = ranks.positives + ranks.negatives
    group = np.minimum((np.cumsum(weight) - weight / 2) / ranks.rows * groups, groups - 1).astype(np.intp)
    rows = sums_at(group, weight, groups)
    kept = rows > 0
    mean = sums_at(group, weight * ranks.scores, groups)[kept] / rows[kept]
    share = sums_at(group, ranks.positives, groups)[kept] / rows[kept]
    return mean, share, rows[kept]


def _spline_fit(ranks: Ranks) -> tuple[Fit, Floats] | None:
    if ranks.lacks:
        return None
    knots = np.unique(logit(_weighted_quantiles(ranks, KNOTS)))
    if len(knots) < len(KNOTS):
        return None
    fit = fit_logistic(_spline(logit(ranks.scores), knots), ranks.positives, ranks.negatives)
    return (fit, knots) if fit.converged else None


def _spline(x: Floats, knots: Floats) -> Floats:
    """Columns 1, x and the restricted cubic terms of Harrell, "Regression Modeling Strategies", 2.4.5: linear beyond
    the outer knots."""
    last, before = knots[-1], knots[-2]
    scale = (last - knots[0]) ** 2

    def cube(at: float) -> Floats:
        return np.maximum(x - at, 0.0) ** 3

    terms = [
        (cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before))
        / scale
        for knot in knots[:-2]
    ]
    return np.stack([np.ones_like(x), x, *terms], axis=1)


def _weighted_quantiles(ranks: Ranks, shares: tuple[float, ...]) -> Floats:
    reached = np.cumsum(ranks.positives + ranks.negatives) / ranks.rows
    places = np.minimum(np.searchsorted(reached, shares), len(ranks.scores) - 1)
    return ranks.scores[places]
