"""`crop_foreground`: the box around what is there."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.box import box
from workers.images.volumes.prepare.geometry import Sides3, cropped, padded
from workers.images.volumes.volume import Volume


class CropForeground(VolumeStep):
    """The smallest box around all voxels above `above`, or that are not 0 (`select: nonzero`, as nnU-Net crops).

    Equal to MONAI `CropForeground`: then `margin` voxels more on each side, then as many as make sides a multiple of
    `multiple_of`; where that leaves the volume, zeros are added; with `allow_smaller` the margin ends at its border. A
    view where nothing is added; the type stays. Rejects a volume without foreground.
    """

    name: ClassVar[str] = "crop_foreground"

    select: Literal["above", "nonzero"] = Field(default="above", description="what is foreground")
    above: float = Field(default=0.0, description="of select: above, the value that foreground is larger than")
    channels: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, description="which channels tell the foreground; by default all"
    )
    margin: Sides3 = Field(default=(0, 0, 0), description="voxels that are added on each side along i, j and k")
    allow_smaller: bool = Field(default=False, description="whether the margin ends at the border of the volume")
    multiple_of: Sides3 = Field(default=(1, 1, 1), description="what sides become a multiple of, along i, j and k")

    def apply(self, volume: Volume, device: str) -> Volume:
        voxels = volume.voxels
        chosen = range(len(voxels)) if self.channels is None else self.channels
        if any(channel >= len(voxels) for channel in chosen):
            raise self.reject(f"the volume has {len(voxels)} channels, and `channels` asks for more")
        found = box((voxels[channel] for channel in chosen), self._is_foreground)
        if found is None:
            raise self.reject("the volume has no foreground")
        start, end = self._widened(*found, volume)
        inner = (
            [max(first, 0) for first in start],
            [min(last, side) for last, side in zip(end, volume.grid.shape, strict=True)],
        )
        before = [max(-first, 0) for first in start]
        after = [max(last - side, 0) for last, side in zip(end, volume.grid.shape, strict=True)]
        return padded(self, cropped(self, volume, *inner), before, after, "constant", 0.0)

    def _is_foreground(self, plane: Array) -> Array:
        return plane != 0 if self.select == "nonzero" else plane > self.above

    def _widened(self, start: list[int], end: list[int], volume: Volume) -> tuple[list[int], list[int]]:
        low, high = [], []
        for first, last, margin, many, side in zip(
            start, end, self.margin, self.multiple_of, volume.grid.shape, strict=True
        ):
            a, b = first - margin, last + margin
            if self.allow_smaller:
                a, b = max(a, 0), min(b, side)
            length = -(-(b - a) // (many or 1)) * (many or 1)
            a -= (length - (b - a)) // 2
            low.append(a)
            high.append(a + length)
        return low, high
