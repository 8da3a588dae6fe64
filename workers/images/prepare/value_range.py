"""`value_range`: state the range that the values have, where their type does not."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image, Range
from workers.images.prepare.pixels import fits


class ValueRange(PrepareStep):
    """State that values lie between `low` and `high`, such as floats of 0 to 1: `value_range` becomes that.

    An image with a value outside is rejected (`outside: reject`), or its values are clipped (`outside: clip`). dtype
    stays, but for integers that a clip to fractions makes float32. Rejects NaN.
    """

    name: ClassVar[str] = "value_range"

    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    outside: Literal["reject", "clip"] = Field(
        default="reject", description="what becomes of an image with a value outside: rejected, or clipped"
    )

    @model_validator(mode="after")
    def _check(self) -> ValueRange:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self

    def stated_range(self, value_range: Range | None) -> Range:
        return self.low, self.high

    def apply(self, image: Image) -> Image:
        pixels = image.pixels
        if pixels.dtype.kind == "f" and np.isnan(pixels).any():
            raise self.reject("the image has NaN")
        if ((pixels < self.low) | (pixels > self.high)).any():
            if self.outside == "reject":
                raise self.reject(f"the image has values outside of {self.low:g} to {self.high:g}")
            clipped = np.clip(pixels.astype(np.float64), self.low, self.high)
            kept = fits(self.low, pixels.dtype) and fits(self.high, pixels.dtype)
            pixels = clipped.astype(pixels.dtype if kept else np.float32)
        return replaced(image, pixels, value_range=(self.low, self.high))
