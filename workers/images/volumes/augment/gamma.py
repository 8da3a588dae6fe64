"""`gamma`: values by a power of their place in their range."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import Span, ValueStep

_LEAST = 1e-7
"""As in MONAI: added to a range and to a deviation, should it be nothing."""


class Gamma(ValueStep):
    """`monai.transforms.AdjustContrast` with `retain_stats`: the place of a value between the smallest and the largest,
    from 0 to 1, to a power; mean and standard deviation stay. With `inverted` the dark are told apart instead of the
    bright."""

    name: ClassVar[str] = "gamma"

    probability: float = Field(default=0.3, gt=0, le=1, description="how often it is done")
    power: Span = Field(default=(0.7, 1.5), description="smallest and largest power")
    inverted: float = Field(default=0.25, ge=0, le=1, description="how often with the values turned round")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        power, is_inverted = chance.uniform(*self.power), chance.random() < self.inverted
        return -bent(-voxels, power) if is_inverted else bent(voxels, power)


def bent(voxels: Array, power: float) -> Array:
    """All values by this power, with their mean and standard deviation as before."""
    low, high = float(voxels.min()), float(voxels.max())
    span = high - low
    places = (voxels - low) / np.float32(span + _LEAST)
    found = np.power(places, np.float32(power)) * np.float32(span) + np.float32(low)
    mean, deviation = float(voxels.mean(dtype=np.float64)), float(voxels.std(dtype=np.float64))
    found = (found - found.mean(dtype=np.float64)) / (found.std(dtype=np.float64) + _LEAST) * deviation + mean
    return np.asarray(found, np.float32)
