"""`cutout`: rectangles of one value (DeVries and Taylor 2017)."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import PixelStep
from workers.images.augment.values import as_type


class Cutout(PixelStep):
    """`holes` rectangles of one value, their middles anywhere in the image, their sides uniform up to `side`.

    What lies outside of the image is cut off. All channels have the same holes.
    """

    name: ClassVar[str] = "cutout"

    holes: int = Field(default=1, ge=1, le=100, description="how many rectangles")
    side: float = Field(default=0.25, gt=0, le=1, description="the longest side, as a share of the image's")
    fill: Literal["mean", "lowest"] = Field(default="mean", description="the value that is put there, by channel")

    def changed(self, pixels: Array, chance: np.random.Generator) -> Array:
        found = pixels.copy()
        value = pixels.min(axis=(0, 1)) if self.fill == "lowest" else pixels.mean(axis=(0, 1), dtype=np.float64)
        value = as_type(np.asarray(value), pixels.dtype)
        for _ in range(self.holes):
            found[_span(pixels.shape[0], self.side, chance), _span(pixels.shape[1], self.side, chance)] = value
        return found


def _span(length: int, most: float, chance: np.random.Generator) -> slice:
    """At least one pixel about a place in the image, at most `most` of it."""
    size = max(1, round(chance.uniform(0, most) * length))
    first = int(chance.integers(length)) - size // 2
    return slice(max(0, first), first + size)
