"""`blur`: smoothing by a Gaussian kernel."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import Span, ValueStep

_REACH = 4.0
"""Standard deviations to each side, as in scipy."""


class Blur(ValueStep):
    """A Gaussian kernel, its standard deviation uniform between two numbers of voxels; beyond the border lies the
    nearest voxel."""

    name: ClassVar[str] = "blur"

    probability: float = Field(default=0.2, gt=0, le=1, description="how often it is done")
    sigma: Span = Field(default=(0.5, 1.0), description="smallest and largest standard deviation, in voxels")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        return smoothed(voxels, chance.uniform(*self.sigma))


def smoothed(voxels: Array, sigma: float) -> Array:
    """(channels, i, j, k) behind a kernel of four sigma to each side along each of i, j and k."""
    reach = int(_REACH * sigma + 0.5)
    if reach < 1:
        return voxels
    weights = [math.exp(-0.5 * (place / sigma) ** 2) for place in range(-reach, reach + 1)]
    kernel = np.array(weights, np.float64) / sum(weights)
    for axis in (1, 2, 3):
        voxels = _along(voxels, kernel.astype(np.float32), axis)
    return voxels


def _along(voxels: Array, kernel: Array, axis: int) -> Array:
    reach, side = len(kernel) // 2, voxels.shape[axis]
    filled = np.pad(voxels, [(reach, reach) if at == axis else (0, 0) for at in range(4)], mode="edge")
    found = np.zeros_like(voxels)
    for place, weight in enumerate(kernel):
        found += weight * np.take(filled, range(place, place + side), axis)
    return found
