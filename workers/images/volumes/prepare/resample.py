"""`resample`: to voxels of a size."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep, moved
from workers.images.volumes.prepare.nnunet import by_nnunet
from workers.images.volumes.prepare.spacing import ALIKE, Target, aside, by_extent, by_spacing, separate_axis
from workers.images.volumes.volume import Volume

Millimetres = Annotated[float, Field(ge=0)]

SPLINE_ASIDE = 0.01
"""Voxels by which a grid may be sheared, all along, and still be resampled by splines along its axes."""


class Resample(VolumeStep):
    """Voxels of `spacing` millimetres along i, j and k; 0 keeps an axis as it is. Result float32.

    `like: monai` equals MONAI `Spacing` (padding border): the first voxel stays where it is, the last is the one
    nearest to the old last; a sheared grid, as of a tilted gantry, becomes a straight one. linear and nearest are
    those of `grid_sample`, within rounding of float32; spline is of order 3, as MONAI's mode 3 (SciPy's, mode
    nearest). `align_corners` is MONAI's and changes how places half way between two voxels are rounded, no more.

    `like: nnunet` equals nnU-Net's `resample_data_or_seg_to_shape`: the extent stays, sides are rounded, and the
    result is clipped to the values of the source (scikit-image `resize`, mode edge). Where the largest spacing, of the
    volume or of the result, is more than `anisotropy` times the smallest, that axis alone is resampled by nearest
    (nnU-Net's separate z); `separate_z` says so or forbids it instead. nearest there is nnU-Net's order 0.

    Peak: source, result and a few planes, a copy of a source that is flipped or read-only, and for spline 8 bytes a
    voxel of the larger grid. Rejects NaN and infinities with spline, and a result of more than 2**30 voxels.
    """

    name: ClassVar[str] = "resample"

    spacing: tuple[Millimetres, Millimetres, Millimetres] = Field(
        description="millimetres between voxels along i, j and k; 0 keeps an axis as it is"
    )
    method: Literal["linear", "nearest", "spline"] = Field(default="linear", description="spline is of order 3")
    like: Literal["monai", "nnunet"] = Field(default="monai", description="whose rule of sizes and places")
    align_corners: bool = Field(default=False, description="of monai: as its setting of that name")
    back: Literal["same", "nearest"] = Field(
        default="same",
        description="of monai: how values come back to the original grid: linearly, but after nearest by the nearest "
        "voxel (same), or always by it (MONAI `Invert` with `nearest_interp`)",
    )
    separate_z: bool | None = Field(
        default=None,
        description="of nnunet: whether the axis of the largest spacing is resampled by nearest, "
        "if not told by anisotropy",
    )
    anisotropy: float = Field(default=3.0, ge=1, description="of nnunet: from which ratio of spacings on it is")

    @model_validator(mode="after")
    def _check(self) -> Resample:
        if self.like == "monai" and self.separate_z is not None:
            raise ValueError("separate_z belongs to like: nnunet")
        if self.like == "nnunet" and (self.align_corners or self.back != "same"):
            raise ValueError("align_corners and back belong to like: monai")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        if self.like == "nnunet":
            return self._as_nnunet(volume, device)
        grid = volume.grid
        target = by_spacing(grid, self._wanted(volume))
        self.require_size(len(volume.voxels), target.shape)
        if target.shape == grid.shape and (
            np.allclose(grid.affine, target.affine, atol=ALIKE) or np.allclose(target.pull, np.eye(4), atol=ALIKE)
        ):
            return dataclasses.replace(volume, voxels=volume.voxels.astype(np.float32, copy=False))
        voxels = self._at_places(volume, target, device)
        method = "nearest" if "nearest" in (self.method, self.back) else "linear"
        return moved(
            volume, "resample", voxels, target.affine,
            places="affine", methods=(method,) * 3, align_corners=self.align_corners,
        )  # fmt: skip

    def _wanted(self, volume: Volume) -> tuple[float, float, float]:
        i, j, k = (new or old for new, old in zip(self.spacing, volume.grid.spacing, strict=True))
        return i, j, k

    def _at_places(self, volume: Volume, target: Target, device: str) -> Array:
        from workers.images.volumes.prepare import resampling  # noqa: PLC0415 - imports torch, which the driver must not

        if self.method != "spline":
            return resampling.on_grid(volume.voxels, target, self.method, self.align_corners, device)
        self.require_finite(volume.voxels)
        if aside(target.pull, target.shape) > SPLINE_ASIDE:
            raise self.reject("splines need a grid without shear, and this one was tilted: take `method: linear`")
        lines = tuple(target.pull[a, a] * np.arange(target.shape[a]) + target.pull[a, 3] for a in range(3))
        return resampling.by_splines(volume.voxels, lines, device)

    def _as_nnunet(self, volume: Volume, device: str) -> Volume:
        old, new = volume.grid.spacing, self._wanted(volume)
        target = by_extent(volume.grid, new)
        self.require_size(len(volume.voxels), target.shape)
        there, back = (separate_axis(a, b, self.anisotropy, self.separate_z) for a, b in ((old, new), (new, old)))
        if target.shape == volume.grid.shape:
            return dataclasses.replace(volume, voxels=volume.voxels.astype(np.float32, copy=False))
        self.require_finite(volume.voxels)
        voxels = by_nnunet(volume.voxels, target.shape, self.method, there, device)
        methods = tuple("nearest_up" if axis == back else "linear" for axis in range(3))
        return moved(volume, "resample", voxels, target.affine, places="extent", methods=methods)
