"""Dice of label maps, one number a structure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.images.volumes.training.classes import UNKNOWN


def dice(predicted: Array, truth: Array, classes: int) -> Sequence[float]:
    """By structure (classes 1 and up) twice the shared voxels by those of both; NaN where neither has any. Voxels
    that are not known count nothing."""
    known = truth != UNKNOWN
    one, other = predicted[known].astype(np.int64), truth[known].astype(np.int64)
    shared = _counts(one[one == other], classes)
    both = _counts(one, classes) + _counts(other, classes)
    found: NDArray[np.float64] = np.where(both > 0, 2 * shared / np.maximum(both, 1), np.nan)
    return [float(value) for value in found[1:]]


def _counts(values: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.bincount(values, minlength=classes)
