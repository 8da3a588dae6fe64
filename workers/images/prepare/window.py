"""`window`: a grey scale window with numbers from the spec."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.prepare.base import replaced
from workers.images.prepare.image import Image, Range
from workers.images.prepare.monochrome import is_mirrored, mirrored
from workers.images.prepare.pixels import map_values
from workers.images.prepare.to_output import ToOutput


class Window(ToOutput):
    """The VOI functions of DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, on modality values, to `output` (low, high).

    linear:        x <= c - 0.5 - (w-1)/2 gives low, x > c - 0.5 + (w-1)/2 gives high,
                   else ((x - (c - 0.5)) / (w-1) + 0.5) * (high - low) + low
    linear_exact:  the same with c for c - 0.5 and w for w-1
    sigmoid:       (high - low) / (1 + exp(-4 (x - c) / w)) + low

    `width` is at least 1 for linear, else above 0. A MONOCHROME1 image is unmirrored, windowed and mirrored again, so
    that center and width mean what they mean in its header. Computed in float64; result float32 with `value_range`
    `output`. NaN stays NaN; infinities become low and high.
    """

    name: ClassVar[str] = "window"

    center: float = Field(description="middle of the window, in modality values")
    width: float = Field(gt=0, description="width of the window, in modality values")
    function: Literal["linear", "linear_exact", "sigmoid"] = Field(
        default="linear", description="one of DICOM's VOI functions"
    )
    output: Range = Field(default=(0.0, 255.0), description="low and high end of the result")

    @model_validator(mode="after")
    def _check(self) -> Window:
        if self.function == "linear" and self.width < 1:
            raise ValueError("width must be at least 1 where function is linear")
        return self

    def apply(self, image: Image) -> Image:
        def convert(values: Array) -> Array:
            if not is_mirrored(image):
                return self._windowed(values).astype(np.float32)
            return mirrored(self._windowed(mirrored(values, image.value_range)), self.output).astype(np.float32)

        return replaced(image, map_values(image.pixels, convert), value_range=self.output)

    def _windowed(self, values: Array) -> Array:
        low, high = self.output
        if self.function == "sigmoid":
            with np.errstate(over="ignore"):
                return (high - low) / (1 + np.exp(-4 * (values - self.center) / self.width)) + low
        shift, shrink = (0.5, 1.0) if self.function == "linear" else (0.0, 0.0)
        center, width = self.center - shift, self.width - shrink
        if width == 0:
            steps = np.where(values <= center, low, high)
            return np.where(np.isnan(values), values, steps)
        return np.clip((values - center) / width + 0.5, 0, 1) * (high - low) + low
