"""`resize`: to a number of voxels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from workers.images.volumes.prepare.base import VolumeStep, moved
from workers.images.volumes.prepare.geometry import Sides3
from workers.images.volumes.prepare.spacing import to_shape
from workers.images.volumes.volume import Shape3, Volume


class Resize(VolumeStep):
    """`size` voxels along i, j and k, 0 keeping an axis, or until the longest axis has `longest` voxels.

    Equal to MONAI `Resize` with the modes that torch's `interpolate` has for volumes; `size_mode="longest"` is
    `longest`, where the others are rounded half to even. Without smoothing beforehand (area averages). Result float32.
    Back: linear for linear, else as MONAI inverts it; of area, where the result is finer than the source, linear.
    """

    name: ClassVar[str] = "resize"

    size: Sides3 | None = Field(default=None, description="voxels along i, j and k; 0 keeps an axis")
    longest: Annotated[int, Field(ge=1, le=2**15)] | None = Field(
        default=None, description="voxels of the longest axis; the others follow"
    )
    method: Literal["area", "linear", "nearest", "nearest_exact"] = Field(
        default="area", description="how voxels are resampled: torch's modes"
    )
    align_corners: bool = Field(
        default=False, description="of linear: whether the middles of the outermost voxels stay, not their outer faces"
    )

    @model_validator(mode="after")
    def _check(self) -> Resize:
        if (self.size is None) == (self.longest is None):
            raise ValueError("give either size or longest")
        if self.align_corners and self.method != "linear":
            raise ValueError("align_corners belongs to method: linear")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        from workers.images.volumes.prepare import resampling  # noqa: PLC0415 - imports torch, which the driver must not

        shape = self._shape(volume.grid.shape)
        self.require_size(len(volume.voxels), shape)
        voxels = resampling.to_size(volume.voxels, shape, self.method, self.align_corners, device)
        if shape == volume.grid.shape:
            return Volume(voxels, volume.grid, volume.back)
        target = to_shape(volume.grid, shape, corners=self.align_corners)
        methods = [self._back(old, new) for old, new in zip(volume.grid.shape, shape, strict=True)]
        places = "corners" if self.align_corners else "extent"
        return moved(volume, "resample", voxels, target.affine, places=places, methods=tuple(methods))

    def _shape(self, sides: Shape3) -> Shape3:
        if self.size is not None:
            i, j, k = (size or side for size, side in zip(self.size, sides, strict=True))
        else:
            scale = (self.longest or 1) / max(sides)
            i, j, k = (round(side * scale) for side in sides)
        return i, j, k

    def _back(self, old: int, new: int) -> str:
        return "linear" if self.method == "area" and new > old else self.method
