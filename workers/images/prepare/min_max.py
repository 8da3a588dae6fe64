"""`min_max`: the image's own smallest and largest value to a range."""

from typing import ClassVar

import numpy as np

from workers.contract import Array
from workers.images.prepare.base import replaced
from workers.images.prepare.image import Image
from workers.images.prepare.pixels import limits, map_values
from workers.images.prepare.to_output import ToOutput


class MinMax(ToOutput):
    """Linearly, the smallest pixel to `output[0]` and the largest to `output[1]`, all channels together.

    Computed in float64, result float32 with `value_range` `output`. A constant image becomes `output[0]` throughout.
    Rejects NaN and infinities.
    """

    name: ClassVar[str] = "min_max"

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        return stretched(image, limits(image.pixels), self.output)


def stretched(image: Image, source: tuple[float, float], output: tuple[float, float]) -> Image:
    """`source` linearly to `output` and clipped to it, as float32; an empty source gives `output[0]` throughout."""
    low, high = source
    if not low < high:
        return replaced(image, np.full(image.pixels.shape, output[0], np.float32), value_range=output)

    def convert(values: Array) -> Array:
        share = np.clip((values - low) / (high - low), 0, 1)
        return (share * (output[1] - output[0]) + output[0]).astype(np.float32)

    return replaced(image, map_values(image.pixels, convert), value_range=output)
