"""Splines of order 3 along an axis as one matrix: prefilter and interpolation are linear, and each axis has its own."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BORDER = 12
"""By how many voxels SciPy continues the border before it filters (mode nearest)."""

Matrix = NDArray[np.float64]


def spline_matrix(places: NDArray[np.float64], length: int) -> Matrix:
    """(places, length): the values at `places` of the cubic spline through `length` values.

    Equal to `scipy.ndimage.map_coordinates(order=3, mode="nearest")`: the border value is continued for 12 voxels, the
    spline mirrored behind them. Places are at most 10 voxels outside.
    """
    solved, many = _coefficients(length), length + 2 * BORDER
    shifted = np.clip(places, -10, length + 9) + BORDER
    first = np.floor(shifted).astype(np.int64)
    share = shifted - first
    weights = _weights(share)
    matrix = np.zeros((len(places), many))
    rows = np.arange(len(places))
    for tap in range(4):
        matrix[rows, first - 1 + tap] += weights[tap]
    return matrix @ solved


@lru_cache(maxsize=16)
def _coefficients(length: int) -> Matrix:
    """From values to coefficients of B-splines: the inverse of (1, 4, 1) / 6, half-sample symmetric at the ends."""
    many = length + 2 * BORDER
    spline = (4 * np.eye(many) + np.eye(many, k=1) + np.eye(many, k=-1)) / 6
    spline[0, 0] = spline[-1, -1] = 5 / 6
    continued = np.zeros((many, length))
    continued[np.arange(many), np.clip(np.arange(many) - BORDER, 0, length - 1)] = 1.0
    return np.asarray(np.linalg.solve(spline, continued), np.float64)


def _weights(share: NDArray[np.float64]) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """The cubic B-spline at 1 + share, share, 1 - share, 2 - share."""
    rest = 1 - share
    return (
        rest**3 / 6,
        2 / 3 - share**2 * (2 - share) / 2,
        2 / 3 - rest**2 * (2 - rest) / 2,
        share**3 / 6,
    )
