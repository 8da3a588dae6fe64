"""`to_uint8`: linearly to 0..255."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image, Range
from workers.images.prepare.pixels import limits, map_values


class ToUint8(PrepareStep):
    """`low` to 0 and `high` to 255, linear between them, clipped outside, rounded half to even.

    `source: range` takes low and high from `value_range`, the same for all images of a kind; `source: image` from the
    pixels of this image, all channels together. Where low equals high, all pixels become 0.
    Result uint8 with `value_range` (0, 255). Rejects NaN, infinities and,
    for `source: range`, an image whose type has no range.
    """

    name: ClassVar[str] = "to_uint8"

    source: Literal["range", "image"] = Field(
        default="range",
        description="where low and high come from: the range of the image's kind, or this image's own pixels",
    )

    def stated_range(self, value_range: Range | None) -> Range:
        return (0.0, 255.0)

    def apply(self, image: Image) -> Image:
        pixels = image.pixels
        self.require_finite(pixels)
        low, high = self.require_range(image) if self.source == "range" else limits(pixels)
        if pixels.dtype == np.uint8 and (low, high) == (0, 255):
            return image

        def convert(values: Array) -> Array:
            return np.rint(np.clip((values - low) * (255.0 / (high - low)), 0, 255)).astype(np.uint8)

        flat = high <= low
        result = np.zeros(pixels.shape, np.uint8) if flat else map_values(pixels, convert)
        return replaced(image, result, value_range=(0.0, 255.0))
