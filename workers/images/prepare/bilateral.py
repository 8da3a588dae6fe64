"""`bilateral`: smoothing that keeps edges."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv


class Bilateral(PrepareStep):
    """OpenCV `bilateralFilter`: neighbours within `diameter` pixels, weighted by nearness and by likeness.

    `sigma_space` is in pixels, `sigma_value` in pixel values (of all three channels together for colour). Border
    reflected (dcb|abcd|cba). uint8 stays; all else is computed in and returned as float32. Rejects NaN, infinities and
    anything but 1 or 3 channels.
    """

    name: ClassVar[str] = "bilateral"

    diameter: int = Field(default=5, ge=1, le=63, description="pixels across the neighbourhood")
    sigma_value: float = Field(gt=0, description="how unlike neighbours may be, in pixel values")
    sigma_space: float = Field(gt=0, description="how far neighbours may be, in pixels")

    def apply(self, image: Image) -> Image:
        pixels = image.pixels
        self.require_finite(pixels)
        if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
            raise self.reject(f"needs 1 or 3 channels, has {pixels.shape[2]}: put `channels` before it")
        pixels = np.ascontiguousarray(pixels, dtype=np.uint8 if pixels.dtype == np.uint8 else np.float32)
        result = opencv().bilateralFilter(pixels, self.diameter, self.sigma_value, self.sigma_space)
        return replaced(image, result.reshape(pixels.shape))
