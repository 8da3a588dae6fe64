"""`percentile`: clip to percentiles of the image, then scale."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.prepare.image import Image
from workers.images.prepare.min_max import stretched
from workers.images.prepare.pixels import histogram
from workers.images.prepare.to_output import ToOutput


class Percentile(ToOutput):
    """Clip to the `low` and `high` percentile of all pixels, then linearly to `output`.

    Percentiles are numpy's (linear between the two nearest pixels), all channels together. Computed in float64,
    result float32 with `value_range` `output`. Where both percentiles are equal all pixels become `output[0]`.
    Rejects NaN and infinities.
    """

    name: ClassVar[str] = "percentile"

    low: float = Field(default=1.0, ge=0, le=100, description="percentile that becomes the low end of output")
    high: float = Field(default=99.0, ge=0, le=100, description="percentile that becomes the high end of output")

    @model_validator(mode="after")
    def _check(self) -> Percentile:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self

    def apply(self, image: Image) -> Image:
        self.require_finite(image.pixels)
        low, high = percentiles(image.pixels, (self.low, self.high))
        return stretched(image, (low, high), self.output)


def percentiles(pixels: Array, percents: tuple[float, float]) -> tuple[float, float]:
    """`numpy.percentile` of all pixels, counted instead of sorted where the type is of 8 or 16 bit."""
    counted = histogram(pixels)
    if counted is None:
        low, high = np.percentile(pixels.astype(np.float64), percents).tolist()
        return float(low), float(high)
    values, counts = counted
    places = np.array(percents) / 100 * (pixels.size - 1)
    below = np.floor(places)
    upto = np.cumsum(counts)
    lower = values[np.searchsorted(upto, below, side="right")].astype(np.float64)
    upper = values[np.searchsorted(upto, np.ceil(places), side="right")].astype(np.float64)
    low, high = (lower + (upper - lower) * (places - below)).tolist()
    return float(low), float(high)
