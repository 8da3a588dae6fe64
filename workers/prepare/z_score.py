"""`z_score`: by the image's own mean and standard deviation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from workers.contract import Array, Image
from workers.prepare.base import PrepareStep, replaced
from workers.prepare.pixels import by_plane, limits


class ZScore(PrepareStep):
    """`(x - mean) / std` with the mean and population standard deviation of all pixels, or of each channel.

    Computed in float64, result float32. A constant image (or channel) becomes zeros. `value_range` is mapped the same
    way; with `per_channel` to the smallest and largest value that any channel can take. Rejects NaN and infinities.
    """

    name: ClassVar[str] = "z_score"

    per_channel: bool = False

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        ranges: list[float] = []

        def scored(values: Array) -> Array:
            low, high = limits(values)
            mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
            if low == high or std == 0:
                ranges.append(0.0)
                return np.zeros(values.shape, np.float32)
            ranges.extend((end - mean) / std for end in image.value_range)
            return ((values.astype(np.float64) - mean) / std).astype(np.float32)

        result = by_plane(image.pixels, scored) if self.per_channel else scored(image.pixels)
        return replaced(image, result, value_range=(min(ranges), max(ranges)))
