"""`crop`: the middle, or a box."""

from typing import ClassVar

from pydantic import Field

from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.geometry import Sides3, cropped
from workers.images.volumes.volume import Volume


class Crop(VolumeStep):
    """`size` voxels along i, j and k from the middle (MONAI `CenterSpatialCrop`), or from index `start` on (MONAI
    `SpatialCrop`). 0, or more than there is, keeps all that is there. A view; the type stays.
    """

    name: ClassVar[str] = "crop"

    size: Sides3 = Field(description="voxels along i, j and k; 0 keeps an axis whole")
    start: Sides3 | None = Field(default=None, description="index of the first voxel, instead of the middle")

    def apply(self, volume: Volume, device: str) -> Volume:
        sides = volume.grid.shape
        wanted = [size or side for size, side in zip(self.size, sides, strict=True)]
        start = self.start or [max(side // 2 - size // 2, 0) for size, side in zip(wanted, sides, strict=True)]
        end = [min(first + size, side) for first, size, side in zip(start, wanted, sides, strict=True)]
        return cropped(self, volume, start, end)
