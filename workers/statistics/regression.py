"""Figures of a number that is predicted, from sums that add up over parts."""

import math
from dataclasses import dataclass

import numpy as np

from workers.statistics.estimate import LEVEL, Estimate, normal, quantile, undefined
from workers.statistics.ranks import Floats


@dataclass(frozen=True)
class Moments:
    """Sums over pairs of truth and prediction: number, means, centred sums of squares and products, absolute error."""

    rows: float
    mean_truth: float
    mean_predicted: float
    truth: float
    predicted: float
    product: float
    absolute: float

    def __add__(self, other: "Moments") -> "Moments":
        """The sums of both parts together (Chan, Golub and LeVeque 1979)."""
        rows = self.rows + other.rows
        if not rows:
            return self
        step = other.mean_truth - self.mean_truth, other.mean_predicted - self.mean_predicted
        scale = self.rows * other.rows / rows
        return Moments(
            rows,
            self.mean_truth + step[0] * other.rows / rows,
            self.mean_predicted + step[1] * other.rows / rows,
            self.truth + other.truth + step[0] ** 2 * scale,
            self.predicted + other.predicted + step[1] ** 2 * scale,
            self.product + other.product + step[0] * step[1] * scale,
            self.absolute + other.absolute,
        )


def moments(truth: Floats, predicted: Floats) -> Moments:
    """The sums of rows in memory."""
    if not len(truth):
        return Moments(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    means = float(truth.mean()), float(predicted.mean())
    away = truth - means[0], predicted - means[1]
    return Moments(
        float(len(truth)),
        *means,
        float(np.dot(away[0], away[0])),
        float(np.dot(away[1], away[1])),
        float(np.dot(away[0], away[1])),
        float(np.abs(predicted - truth).sum()),
    )


def bias(found: Moments, level: float = LEVEL) -> Estimate:
    """Mean of prediction less truth."""
    if not found.rows:
        return undefined("no rows")
    return normal(found.mean_predicted - found.mean_truth, _variance_of_error(found) / found.rows, level)


def mean_absolute_error(found: Moments) -> Estimate:
    """Mean distance of prediction and truth."""
    return Estimate(found.absolute / found.rows) if found.rows else undefined("no rows")


def root_mean_squared_error(found: Moments) -> Estimate:
    """Square root of the mean squared distance."""
    if not found.rows:
        return undefined("no rows")
    return Estimate(math.sqrt(_squared_error(found) / found.rows))


def determination(found: Moments) -> Estimate:
    """R squared: 1 less the squared error by that of predicting the mean."""
    if not found.truth:
        return undefined("the truth does not vary")
    return Estimate(1 - _squared_error(found) / found.truth)


def pearson(found: Moments, level: float = LEVEL) -> Estimate:
    """Correlation, with Fisher's interval."""
    if not found.truth or not found.predicted:
        return undefined("truth or prediction does not vary")
    value = max(-1.0, min(1.0, found.product / math.sqrt(found.truth * found.predicted)))
    if found.rows <= 3 or abs(value) == 1:
        return Estimate(value, note="no interval")
    half = quantile(level) / math.sqrt(found.rows - 3)
    return Estimate(value, math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half))


def concordance(found: Moments) -> Estimate:
    """Lin's concordance correlation coefficient (1989)."""
    below = found.truth + found.predicted + found.rows * (found.mean_truth - found.mean_predicted) ** 2
    return Estimate(2 * found.product / below) if below else undefined("truth and prediction do not vary")


def limits_of_agreement(found: Moments) -> tuple[float, float]:
    """Bland and Altman's: bias less and plus 1.96 standard deviations of the differences. Needs two rows."""
    middle, half = found.mean_predicted - found.mean_truth, quantile() * math.sqrt(_variance_of_error(found))
    return middle - half, middle + half


def _squared_error(found: Moments) -> float:
    shift = found.mean_predicted - found.mean_truth
    return found.truth + found.predicted - 2 * found.product + found.rows * shift * shift


def _variance_of_error(found: Moments) -> float:
    return max(0.0, found.truth + found.predicted - 2 * found.product) / max(found.rows - 1, 1.0)
