"""`nnunet_normalise`: each channel by one of nnU-Net's schemes."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.intensity import float_copy
from workers.images.volumes.prepare.libraries import cc3d
from workers.images.volumes.volume import Volume

_LEAST = 1e-8
"""nnU-Net divides by no less."""


class Channel(Frozen):
    """How one channel is normalised."""

    scheme: Literal["z_score", "ct", "none", "rescale_to_01", "rgb_to_01"] = Field(
        description="nnU-Net's ZScoreNormalization, CTNormalization, NoNormalization and so on"
    )
    masked: bool = Field(
        default=False,
        description="of z_score: whether only voxels count, and change, that are not 0 in all channels, or that such "
        "voxels enclose (use_mask_for_norm)",
    )
    low: float | None = Field(default=None, description="of ct: the smallest value, percentile_00_5 of the plans")
    high: float | None = Field(default=None, description="of ct: the largest value, percentile_99_5 of the plans")
    mean: float | None = Field(default=None, description="of ct: what is subtracted")
    std: float | None = Field(default=None, ge=0, description="of ct: what is divided by")

    @model_validator(mode="after")
    def _check(self) -> Channel:
        numbers = (self.low, self.high, self.mean, self.std)
        if self.scheme == "ct" and None in numbers:
            raise ValueError("ct needs low, high, mean and std")
        if self.scheme != "ct" and any(one is not None for one in numbers):
            raise ValueError("low, high, mean and std belong to scheme: ct")
        if self.masked and self.scheme != "z_score":
            raise ValueError("masked belongs to scheme: z_score")
        return self


class NnunetNormalise(VolumeStep):
    """Each channel by the scheme of nnU-Net that `channels` names for it.

    Equal to the classes of nnU-Net's `default_normalization_schemes` in float32. Result float32. Peak of `masked`: 5
    bytes a voxel more. Rejects a volume of another number of channels, NaN and infinities, and for rgb_to_01 values
    outside 0 to 255.
    """

    name: ClassVar[str] = "nnunet_normalise"

    channels: tuple[Channel, ...] = Field(min_length=1, max_length=1024, description="one entry a channel, in order")

    def apply(self, volume: Volume, device: str) -> Volume:
        if len(self.channels) != len(volume.voxels):
            raise self.reject(
                f"the volume has {len(volume.voxels)} channel(s), and the step normalises {len(self.channels)}: name "
                "one entry a channel, or let the step `channels` repeat them"
            )
        self.require_finite(volume.voxels)
        mask = inside(volume.voxels) if any(one.masked for one in self.channels) else None
        voxels = float_copy(volume.voxels)
        for values, one in zip(voxels, self.channels, strict=True):
            self._normalised(values, one, mask)
        return dataclasses.replace(volume, voxels=voxels)

    def _normalised(self, values: Array, one: Channel, mask: Array | None) -> None:
        if one.scheme == "z_score":
            where: Any = mask if one.masked and mask is not None else np.ones((), bool)
            chosen = values[mask] if one.masked and mask is not None else values
            with np.errstate(over="ignore", invalid="ignore"):
                mean, std = chosen.mean(), max(chosen.std(), np.float32(_LEAST))
            if not np.isfinite(mean) or not np.isfinite(std):
                # Divided by infinity a volume would be all 0, as nnU-Net has it.
                raise self.reject("its values are too large for a deviation in float32: rescale them in the file")
            np.subtract(values, mean, out=values, where=where)
            np.divide(values, std, out=values, where=where)
        elif one.scheme == "ct":
            np.clip(values, one.low, one.high, out=values)
            values -= np.float32(one.mean or 0.0)
            values /= np.float32(max(one.std or 0.0, _LEAST))
        elif one.scheme == "rescale_to_01":
            values -= values.min()
            values /= max(values.max(), np.float32(_LEAST))
        elif one.scheme == "rgb_to_01":
            if values.min() < 0 or values.max() > 255:
                raise self.reject("values of a colour image lie between 0 and 255, and these do not")
            values /= np.float32(255)


def inside(voxels: Array) -> Array:
    """Voxels that are not 0 in all channels, and those that they enclose (`scipy.ndimage.binary_fill_holes`)."""
    empty = ~(voxels != 0).any(axis=0)
    pieces = cc3d().connected_components(empty, connectivity=6)
    faces = [np.take(pieces, at, axis=axis).ravel() for axis in range(3) for at in (0, -1)]
    outside = np.unique(np.concatenate(faces))
    is_outside = np.zeros(int(pieces.max()) + 1, bool)
    is_outside[outside] = True
    is_outside[0] = False
    return np.asarray(~is_outside[pieces])
