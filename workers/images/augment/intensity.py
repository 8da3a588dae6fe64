"""`intensity`: brightness, contrast and gamma."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.augment.base import PixelStep, between
from workers.images.augment.values import as_type, own_range


class Intensity(PixelStep):
    """Gamma, then contrast about the mean, then brightness, on values as shares of the image's own range.

    Integers are held to what their type has; floats may leave the range. An image of one value stays as it is.
    """

    name: ClassVar[str] = "intensity"

    brightness: float = Field(
        default=0.1, ge=0, le=1, description="what is added or taken at most, as a share of the image's range"
    )
    contrast: float = Field(default=1.2, ge=1, le=10, description="how many times farther from the mean, or nearer")
    gamma: float = Field(default=1.2, ge=1, le=10, description="the highest exponent; the lowest is 1 / gamma")

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.brightness == 0 and self.contrast == 1 and self.gamma == 1:
            raise ValueError("brightness is 0, contrast and gamma are 1: nothing would change; leave the step out")
        return self

    def changed(self, pixels: Array, chance: np.random.Generator) -> Array:
        exponent, contrast = between(chance, self.gamma), between(chance, self.contrast)
        return adjusted(pixels, chance.uniform(-1, 1) * self.brightness, contrast, exponent)


def adjusted(pixels: Array, brightness: float, contrast: float, gamma: float) -> Array:
    """`((x ** gamma - mean) * contrast + mean + brightness)` of x from 0 to 1 over the image's range, and back."""
    low, width = own_range(pixels)
    if width == 0:
        return pixels
    shares = (pixels.astype(np.float32) - np.float32(low)) / np.float32(width)
    if gamma != 1:
        shares = shares ** np.float32(gamma)
    mean = shares.mean(dtype=np.float64)
    shares = shares * np.float32(contrast) + np.float32(mean * (1 - contrast) + brightness)
    return as_type(shares * np.float32(width) + np.float32(low), pixels.dtype)
