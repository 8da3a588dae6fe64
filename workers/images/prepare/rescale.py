"""`rescale`: multiply by a number."""

from typing import ClassVar

from pydantic import Field

from workers.contract import Affine
from workers.images.prepare.affine import apply_affine, range_after
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image, Range


class Rescale(PrepareStep):
    """`x * factor` in float32, such as `factor: 0.00392156862745098` for 1/255.

    Result float32; `value_range` is multiplied too. NaN and infinities stay what they are.
    As one of the last steps it is left to the device.
    """

    name: ClassVar[str] = "rescale"

    factor: float = Field(description="what every value is multiplied by")

    def stated_range(self, value_range: Range | None) -> Range | None:
        return None if value_range is None else range_after(self.affine(), value_range)

    def apply(self, image: Image) -> Image:
        low, high = sorted(value * self.factor for value in image.value_range)
        return replaced(image, apply_affine(image.pixels, self.affine()), value_range=(low, high))

    def affine(self) -> Affine:
        """The same as a device computes it."""
        return Affine(scale=self.factor)
