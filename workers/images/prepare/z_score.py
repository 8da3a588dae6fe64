"""`z_score`: by the image's own mean and standard deviation."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import ANY, Image, Range
from workers.images.prepare.pixels import by_plane, histogram, limits, map_values


class ZScore(PrepareStep):
    """`(x - mean) / std` with the mean and population standard deviation of all pixels, or of each channel.

    Computed in float64, result float32. A constant image (or channel) becomes zeros. `value_range` is mapped the same
    way; with `per_channel` to the smallest and largest value that any channel can take. Rejects NaN and infinities.
    """

    name: ClassVar[str] = "z_score"

    per_channel: bool = Field(default=False, description="whether each channel has its own mean and deviation")

    def stated_range(self, value_range: Range | None) -> Range:
        return ANY

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        ranges: list[float] = []

        def scored(values: Array) -> Array:
            mean, std = moments(values)
            if std == 0:
                ranges.append(0.0)
                return np.zeros(values.shape, np.float32)
            ranges.extend((end - mean) / std for end in image.value_range)
            return map_values(values, lambda chunk: ((chunk - mean) / std).astype(np.float32))

        result = by_plane(image.pixels, scored) if self.per_channel else scored(image.pixels)
        return replaced(image, result, value_range=(min(ranges), max(ranges)))


def moments(pixels: Array) -> tuple[float, float]:
    """Mean and population standard deviation in float64; exactly 0 where all pixels are equal."""
    low, high = limits(pixels)
    if low == high:
        return low, 0.0
    counted = histogram(pixels)
    if counted is None:
        return float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))
    values, counts = counted[0].astype(np.float64), counted[1]
    mean = float((values * counts).sum() / pixels.size)
    return mean, float(np.sqrt(((values - mean) ** 2 * counts).sum() / pixels.size))
