"""Logistic regression of few columns on weighted counts, by Newton's method."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.statistics.ranks import Floats

_STEPS = 100
_ENOUGH = 1e-12
"""The largest step of a coefficient after which it has converged."""


@dataclass(frozen=True)
class Fit:
    """Coefficients, their covariance by Fisher's information, and whether the steps converged: they do not where a
    column separates the classes."""

    coefficients: Floats
    covariance: Floats
    converged: bool

    def variance(self, column: int) -> float:
        """Variance of one coefficient."""
        return float(self.covariance[column, column])


def fit_logistic(columns: Floats, positives: Floats, negatives: Floats, offset: Floats | None = None) -> Fit:
    """Maximum likelihood of `positives` against `negatives` rows at each line of `columns`, which has every term, the
    intercept's too. `offset` is added to the linear predictor."""
    rows = positives + negatives
    beta = np.zeros(columns.shape[1])
    base = np.zeros(len(columns)) if offset is None else offset
    information = np.eye(columns.shape[1])
    for _ in range(_STEPS):
        expected = expit(columns @ beta + base)
        information = (columns * (rows * expected * (1 - expected))[:, None]).T @ columns
        gradient = columns.T @ (positives - rows * expected)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return Fit(beta, np.full_like(information, np.inf), False)
        # A step that would leave the region where the curvature holds is shortened.
        beta = beta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < _ENOUGH * max(1.0, float(np.abs(beta).max())):
            return Fit(beta, np.asarray(np.linalg.inv(information), np.float64), True)
    return Fit(beta, np.asarray(np.linalg.pinv(information), np.float64), False)


def expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def logit(probabilities: NDArray[np.floating]) -> Floats:
    """Log odds of probabilities; those of 0 and 1 are finite, too."""
    kept = below_one(probabilities)
    return np.log(kept) - np.log1p(-kept)


def below_one(probabilities: NDArray[np.floating]) -> Floats:
    """The same, kept this side of 0 and 1 by the smallest step that float32 has there."""
    return np.clip(np.asarray(probabilities, np.float64), 1e-37, 1 - 2.0**-24)
