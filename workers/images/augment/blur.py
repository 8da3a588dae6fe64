"""`blur`: smoothing by a Gaussian kernel."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import PixelStep
from workers.images.augment.values import as_type
from workers.images.prepare.libraries import opencv

_REACH = 4.0
"""Standard deviations to each side, as in scipy."""
_LEAST = 0.05
"""Pixels: a narrower kernel has one weight."""


class Blur(PixelStep):
    """A Gaussian kernel, its standard deviation uniform from 0 to `sigma` pixels; border reflected (dcb|abcd|cba)."""

    name: ClassVar[str] = "blur"

    sigma: float = Field(default=1.0, gt=0, le=50, description="the largest standard deviation, in pixels")

    def changed(self, pixels: Array, chance: np.random.Generator) -> Array:
        return smoothed(pixels, chance.uniform(0, self.sigma))


def smoothed(pixels: Array, sigma: float) -> Array:
    """`pixels` behind a Gaussian kernel of four sigma to each side, computed in float32."""
    if sigma < _LEAST:
        return pixels
    cv2 = opencv()
    size = 2 * int(_REACH * sigma + 0.5) + 1
    found = cv2.GaussianBlur(pixels.astype(np.float32), (size, size), sigma, borderType=cv2.BORDER_REFLECT_101)
    return as_type(found.reshape(pixels.shape), pixels.dtype)
