"""`brightness`: all values by one factor."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import Span, ValueStep


class Brightness(ValueStep):
    """Each channel times a factor of its own, uniform between two numbers: `monai.transforms.ScaleIntensity` with
    `factor` less 1."""

    name: ClassVar[str] = "brightness"

    probability: float = Field(default=0.15, gt=0, le=1, description="how often it is done")
    factor: Span = Field(default=(0.75, 1.25), description="smallest and largest factor")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        factors = chance.uniform(*self.factor, size=(len(voxels), 1, 1, 1)).astype(np.float32)
        found: Array = voxels * factors
        return found
