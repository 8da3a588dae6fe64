"""`contrast`: farther from the mean, or nearer to it."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import Span, ValueStep


class Contrast(ValueStep):
    """Distances from the mean of each channel times a factor of its own; values stay between the smallest and the
    largest that were there, as in nnU-Net."""

    name: ClassVar[str] = "contrast"

    probability: float = Field(default=0.15, gt=0, le=1, description="how often it is done")
    factor: Span = Field(default=(0.75, 1.25), description="smallest and largest factor")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        factors = chance.uniform(*self.factor, size=(len(voxels), 1, 1, 1)).astype(np.float32)
        mean = voxels.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
        low, high = voxels.min(axis=(1, 2, 3), keepdims=True), voxels.max(axis=(1, 2, 3), keepdims=True)
        found: Array = np.clip((voxels - mean) * factors + mean, low, high)
        return found
