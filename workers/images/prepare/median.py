"""`median`: the median of a square neighbourhood."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.images.prepare.base import Odd, PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv
from workers.images.prepare.pixels import by_plane, filterable


class Median(PrepareStep):
    """OpenCV `medianBlur` of `size` x `size` pixels, border replicated, each channel on its own.

    uint8, uint16, int16 and float32 keep their dtype; int8 becomes int16 and all else float32.
    A size above 5 is for uint8 only, which is OpenCV's limit. Rejects NaN and infinities.
    """

    name: ClassVar[str] = "median"

    size: Odd = Field(
        default=3, ge=3, le=255, description="pixels across the neighbourhood, odd; above 5 for uint8 only"
    )

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        pixels = filterable(image.pixels)
        if self.size > 5 and pixels.dtype != np.uint8:
            raise self.reject(
                f"size {self.size} needs 8 bit pixels, has {pixels.dtype}: use size 5, or `to_uint8` before"
            )
        blur = opencv().medianBlur
        return replaced(image, by_plane(pixels, lambda plane: blur(plane, self.size)))
