"""`clip`: values no further than two limits, or than percentiles of the volume."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import by_channel, percentiles
from workers.images.volumes.volume import Volume


class Clip(VolumeStep):
    """Values below `low` become `low`, those above `high` become `high`; with `percentiles` both are percentiles of
    all voxels, or of each channel.

    Equal to numpy `clip`, as nnU-Net's `CTNormalization` begins (`z_score` with its mean and deviation follows), and
    to MONAI `ClipIntensityPercentiles`. Result float32. Rejects NaN and infinities with `percentiles`.
    """

    name: ClassVar[str] = "clip"

    low: float = Field(description="the smallest value, or the percentile that it is")
    high: float = Field(description="the largest value, or the percentile that it is")
    percentiles: bool = Field(default=False, description="whether low and high are percentiles")
    channel_wise: bool = Field(default=False, description="whether each channel has percentiles of its own")

    @model_validator(mode="after")
    def _check(self) -> Clip:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        if self.percentiles and not 0 <= self.low <= self.high <= 100:
            raise ValueError("percentiles lie between 0 and 100")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        if self.percentiles:
            self.require_finite(volume.voxels)
        return by_channel(volume, self.channel_wise, self._clipped)

    def _clipped(self, values: Array) -> None:
        limits = percentiles(values, self.low, self.high) if self.percentiles else (self.low, self.high)
        np.clip(values, *limits, out=values)
