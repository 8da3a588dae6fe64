"""`noise`: Gaussian noise."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import ValueStep


class Noise(ValueStep):
    """Independent Gaussian noise on every voxel; its variance is uniform from 0 to `variance`, as in nnU-Net."""

    name: ClassVar[str] = "noise"

    probability: float = Field(default=0.1, gt=0, le=1, description="how often it is done")
    variance: float = Field(default=0.1, gt=0, description="the largest variance, in units of the prepared values")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        strength = np.float32(np.sqrt(chance.uniform(0, self.variance)))
        found: Array = voxels + strength * chance.standard_normal(voxels.shape, dtype=np.float32)
        return found
