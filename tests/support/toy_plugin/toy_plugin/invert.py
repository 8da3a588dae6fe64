"""`invert`: bright becomes dark."""

from __future__ import annotations

from typing import ClassVar

from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image


class Invert(PrepareStep):
    """`low + high - x`, with low and high the image's value range, times `strength`."""

    name: ClassVar[str] = "invert"

    strength: float = 1.0

    def apply(self, image: Image) -> Image:
        """The inverted image, float32."""
        low, high = self.require_range(image)
        return replaced(image, (low + high - image.pixels.astype("float32")) * self.strength)
