"""`scale_range`: one range of values to another, as a window of CT."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import Output, by_channel, scale
from workers.images.volumes.volume import Volume


class ScaleRange(VolumeStep):
    """`(x - low) / (high - low)`, then to `output`, then, with `clip`, no further than its ends.

    Equal to MONAI `ScaleIntensityRange` with the same operations in float32. Without `output` (MONAI: b_min None)
    nothing is clipped. Result float32.
    """

    name: ClassVar[str] = "scale_range"

    low: float = Field(description="the value that becomes the low end of output")
    high: float = Field(description="the value that becomes the high end of output")
    output: Output | None = Field(default=(0.0, 1.0), description="low and high end of the result; null: none")
    clip: bool = Field(default=True, description="whether values beyond the ends become the ends")

    @model_validator(mode="after")
    def _check(self) -> ScaleRange:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.output is not None and self.output[0] > self.output[1]:
            raise ValueError("output must be a low and a high end")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        return by_channel(volume, False, lambda values: scale(values, self.low, self.high, self.output, self.clip))
