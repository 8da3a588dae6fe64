"""`pad`: to a size or to a multiple."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.geometry import Mode, Sides3, halves, padded
from workers.images.volumes.volume import Volume


class Pad(VolumeStep):
    """At least `to` voxels along i, j and k (MONAI `SpatialPad`), or the next multiple of `multiple_of` (MONAI
    `DivisiblePad`); 0 keeps an axis. On both sides, an odd rest behind, or only at the `end`. The type stays.

    Rejects a `value` that the type cannot hold, and reflect where less is there than is added.
    """

    name: ClassVar[str] = "pad"

    to: Sides3 | None = Field(default=None, description="voxels that there are at least along i, j and k; 0: any")
    multiple_of: Sides3 | None = Field(
        default=None, description="sides become the next multiple of it, along i, j and k; 0 keeps an axis"
    )
    at: Literal["symmetric", "end"] = Field(default="symmetric", description="on both sides, or behind only")
    mode: Mode = Field(default="constant", description="what new voxels are: one value, the nearest voxel, or mirrored")
    value: float = Field(default=0.0, description="value of new voxels with mode: constant")

    @model_validator(mode="after")
    def _check(self) -> Pad:
        if (self.to is None) == (self.multiple_of is None):
            raise ValueError("give either to or multiple_of")
        return self

    def apply(self, volume: Volume, device: str) -> Volume:
        sides = volume.grid.shape
        if self.to is not None:
            wanted = list(self.to)
        else:
            many = self.multiple_of or (1, 1, 1)
            wanted = [-(-side // (k or 1)) * (k or 1) for side, k in zip(sides, many, strict=True)]
        before, after = halves(sides, wanted, self.at)
        return padded(self, volume, before, after, self.mode, self.value)
