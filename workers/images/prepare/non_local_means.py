"""`non_local_means`: denoising by averaging similar patches."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.images.prepare.base import Odd, PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv


class NonLocalMeans(PrepareStep):
    """OpenCV `fastNlMeansDenoising`: patches of `patch` pixels, searched within `search` pixels.

    `strength` (OpenCV's h) is in pixel values: about the noise's standard deviation. Channels are compared
    together. uint8 uses the squared difference of patches, uint16 the absolute one, as OpenCV has it; dtype is kept.
    Rejects other dtypes (put `to_uint8` or `cast` before) and more than 4 channels.
    """

    name: ClassVar[str] = "non_local_means"

    strength: float = Field(gt=0, description="in pixel values: about the noise's standard deviation")
    patch: Odd = Field(default=7, ge=1, le=31, description="pixels across a patch, odd")
    search: Odd = Field(default=21, ge=3, le=101, description="pixels across the area that is searched, odd")

    def apply(self, image: Image) -> Image:
        pixels = image.pixels
        if pixels.dtype not in (np.uint8, np.uint16):
            raise self.reject(f"needs uint8 or uint16 pixels, has {pixels.dtype}: put `to_uint8` or `cast` before it")
        if pixels.ndim == 3 and pixels.shape[2] > 4:
            raise self.reject(f"needs at most 4 channels, has {pixels.shape[2]}: put `channels` before it")
        cv2 = opencv()
        norm = cv2.NORM_L2 if pixels.dtype == np.uint8 else cv2.NORM_L1
        pixels = np.ascontiguousarray(pixels)
        result = cv2.fastNlMeansDenoising(pixels, [self.strength], None, self.patch, self.search, norm)
        return replaced(image, result.reshape(pixels.shape))
