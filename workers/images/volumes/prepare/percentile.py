"""`percentile`: percentiles of the volume to a range of values."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import Output, by_channel, percentiles, scale
from workers.images.volumes.volume import Volume


class Percentile(VolumeStep):
    """The `low` and `high` percentile of all voxels, or of each channel, linearly to `output`.

    Equal to MONAI `ScaleIntensityRangePercentiles`; with `relative` to the same percentiles of `output`. Percentiles
    are numpy's. Where both are equal, values are moved so that they become the low end. Result float32. Peak: the
    result and, of floats, one copy more. Rejects NaN and infinities.
    """

    name: ClassVar[str] = "percentile"

    low: float = Field(ge=0, le=100, description="percentile that becomes the low end of output")
    high: float = Field(ge=0, le=100, description="percentile that becomes the high end of output")
    output: Output | None = Field(default=(0.0, 1.0), description="low and high end of the result; null: none")
    clip: bool = Field(default=False, description="whether values beyond the ends become the ends")
    relative: bool = Field(default=False, description="whether the ends are those percentiles of output")
    channel_wise: bool = Field(default=False, description="whether each channel has percentiles of its own")

    @model_validator(mode="after")
    def _check(self) -> Percentile:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.relative and self.output is None:
            raise ValueError("relative needs an output")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        self.require_finite(volume.voxels)
        parts = iter(volume.voxels if self.channel_wise else [volume.voxels])
        return by_channel(volume, self.channel_wise, lambda values: self._scaled(next(parts), values))

    def _scaled(self, source: Array, values: Array) -> None:
        output = self.output
        if self.relative and output is not None:
            width = output[1] - output[0]
            output = (width * (self.low / 100) + output[0], width * (self.high / 100) + output[0])
        scale(values, *percentiles(source, self.low, self.high), output, self.clip)
