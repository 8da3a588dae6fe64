"""`gamma`: a power law on the value range."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.pixels import map_values


class Gamma(PrepareStep):
    """`low + (high - low) * ((x - low) / (high - low)) ** gamma`, with low and high the image's `value_range`.

    Values outside of the range are clipped to it, infinities too; NaN stays NaN. uint8 and uint16 keep their dtype,
    rounded half to even; all else becomes float32. gamma > 1 darkens. A range of one value leaves the image as it is;
    an image whose type has no range is rejected.
    """

    name: ClassVar[str] = "gamma"

    gamma: float = Field(gt=0, description="the exponent; above 1 darkens")

    def apply(self, image: Image) -> Image:
        low, high = self.require_range(image)
        keep = image.pixels.dtype in (np.uint8, np.uint16)

        def convert(values: Array) -> Array:
            share = np.clip((values - low) / (high - low), 0, 1)
            result = low + (high - low) * share**self.gamma
            return np.rint(result).astype(image.pixels.dtype) if keep else result.astype(np.float32)

        return replaced(image, map_values(image.pixels, convert)) if low < high else image
