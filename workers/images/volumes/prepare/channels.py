"""`channels`: some of them, in another order, or one several times."""

import dataclasses
from typing import Annotated, ClassVar

from pydantic import Field

from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.volume import Volume


class Channels(VolumeStep):
    """The channels `take`, in that order, counted from 0; one may be there again (MONAI `RepeatChannel`: [0, 0]).

    Equal to `voxels[[...]]`. The type stays. Rejects a volume that has not so many.
    """

    name: ClassVar[str] = "channels"

    take: tuple[Annotated[int, Field(ge=0, le=1023)], ...] = Field(
        min_length=1, max_length=1024, description="which channels, in order, counted from 0"
    )

    def apply(self, volume: Volume, device: str) -> Volume:
        if max(self.take) >= len(volume.voxels):
            raise self.reject(f"the volume has {len(volume.voxels)} channels, and `take` asks for more")
        self.require_size(len(self.take), volume.grid.shape)
        if self.take == tuple(range(len(volume.voxels))):
            return volume
        return dataclasses.replace(volume, voxels=volume.voxels[list(self.take)])
