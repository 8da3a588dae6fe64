"""Mean and standard deviation of the intensities of every structure of a label map, in one pass over it."""

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.images.volumes.outputs.slabs import order, slabs

Figures = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Voxels, mean and sum of squared distances from the mean, one entry a label."""


def mean_and_sd(labels: Array, intensities: Array, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For every label below `count`, in float64; NaN or infinite where one of its voxels is, NaN where it has none.

    The standard deviation is that of the population (divided by the number of voxels, not by one less).
    Slabs are merged after Chan, Golub and LeVeque (1979), which loses no digits to a large mean.
    """
    found: Figures = (np.zeros(count), np.zeros(count), np.zeros(count))
    way = order(labels)
    with np.errstate(invalid="ignore", over="ignore"):
        for piece in slabs(labels):
            flat = labels[piece].ravel(way)
            places = np.flatnonzero(flat)
            if places.size:
                values = intensities[piece].ravel(way)[places].astype(np.float64)
                found = _merged(found, _figures(flat[places], values, count))
        voxels, mean, squares = found
        empty = voxels == 0
        sd = np.sqrt(squares / np.where(empty, 1, voxels))
    mean[empty] = sd[empty] = np.nan
    return mean, sd


def _figures(labels: Array, values: NDArray[np.float64], count: int) -> Figures:
    which = labels.astype(np.intp)
    voxels = np.bincount(which, minlength=count).astype(np.float64)
    mean = np.bincount(which, weights=values, minlength=count) / np.maximum(voxels, 1)
    values -= mean[which]
    squares = np.bincount(which, weights=values * values, minlength=count).astype(np.float64)
    return voxels, mean, squares


def _merged(one: Figures, other: Figures) -> Figures:
    voxels = one[0] + other[0]
    share = other[0] / np.maximum(voxels, 1)
    apart = other[1] - one[1]
    return voxels, one[1] + apart * share, one[2] + other[2] + apart * apart * one[0] * share
