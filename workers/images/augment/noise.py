"""`noise`: Gaussian noise."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import PixelStep
from workers.images.augment.values import as_type, own_range


class Noise(PixelStep):
    """Independent Gaussian noise on every value of every channel; its strength is uniform from 0 to `std`.

    An image of one value stays as it is.
    """

    name: ClassVar[str] = "noise"

    std: float = Field(
        default=0.05, gt=0, le=1, description="the largest standard deviation, as a share of the image's range"
    )

    def changed(self, pixels: Array, chance: np.random.Generator) -> Array:
        strength = chance.uniform(0, self.std) * own_range(pixels)[1]
        if strength == 0:
            return pixels
        added = chance.standard_normal(pixels.shape, dtype=np.float32) * np.float32(strength)
        return as_type(pixels.astype(np.float32) + added, pixels.dtype)
