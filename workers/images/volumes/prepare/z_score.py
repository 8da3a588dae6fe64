"""`z_score`: by a mean and a standard deviation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import float_copy
from workers.images.volumes.volume import Volume


class ZScore(VolumeStep):
    """`(x - mean) / std`, of all voxels or, with `nonzero`, of those that are not 0, which stay 0.

    Equal to MONAI `NormalizeIntensity`: `mean` and `std` as given, one for all or one a channel (with `channel_wise`),
    else those of the volume or of each channel (population; told in float64 without a copy); a deviation of 0 counts
    as 1. Result float32. Rejects NaN and infinities where it tells them from the volume.
    """

    name: ClassVar[str] = "z_score"

    mean: tuple[float, ...] | None = Field(default=None, description="what is subtracted; by default its own mean")
    std: tuple[float, ...] | None = Field(
        default=None, description="what is divided by; by default the volume's own standard deviation"
    )
    nonzero: bool = Field(default=False, description="whether voxels of 0 are left out, and stay 0")
    channel_wise: bool = Field(default=False, description="whether each channel has its own mean and deviation")

    @model_validator(mode="after")
    def _check(self) -> ZScore:
        for name, given in (("mean", self.mean), ("std", self.std)):
            if given is not None and not self.channel_wise and len(given) != 1:
                raise ValueError(f"{name} has one number, or channel_wise is true")
        if self.std is not None and any(value < 0 for value in self.std):
            raise ValueError("std must not be negative")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        if self.mean is None or self.std is None:
            self.require_finite(volume.voxels)
        voxels = float_copy(volume.voxels)
        parts = voxels if self.channel_wise else [voxels]
        for given in (self.mean, self.std):
            if given is not None and len(given) != len(parts):
                raise self.reject(f"the volume has {len(parts)} channels, and mean or std has {len(given)} numbers")
        for index, values in enumerate(parts):
            self._scored(values, index)
        return dataclasses.replace(volume, voxels=voxels)

    def _scored(self, values: Array, index: int) -> None:
        own_mean, own_std = moments(values, self.nonzero) if self.mean is None or self.std is None else (0.0, 1.0)
        mean = own_mean if self.mean is None else self.mean[index]
        std = (own_std if self.std is None else self.std[index]) or 1.0
        where = values != 0 if self.nonzero else np.True_
        np.subtract(values, np.float32(mean), out=values, where=where)
        np.divide(values, np.float32(std), out=values, where=where)


def moments(values: Array, nonzero: bool) -> tuple[float, float]:
    """Mean and population standard deviation in float64, plane by plane, of all values or of those that are not 0."""
    planes = list(values) if values.ndim == 3 else [plane for channel in values for plane in channel]
    count = sum(np.count_nonzero(plane) if nonzero else plane.size for plane in planes)
    if count == 0:
        return 0.0, 0.0
    mean = sum(float(plane.sum(dtype=np.float64)) for plane in planes) / count
    spread = 0.0
    for plane in planes:
        aside = plane.astype(np.float64) - mean
        spread += float(np.square(aside, out=aside).sum(where=plane != 0 if nonzero else np.True_))
    return mean, float(np.sqrt(spread / count))
