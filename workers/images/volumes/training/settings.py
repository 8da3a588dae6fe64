"""What a spec says of a training over volumes beside its input. Imports nothing heavy: the driver reads this too."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from schemas.units import Share
from workers.images.volumes.card import Sides


class Patches(Frozen):
    """Which parts of a volume a network is shown, one a step and volume."""

    size: Sides | None = Field(
        default=None, description="voxels along i, j and k; default: planned from shapes and spacing as nnU-Net does"
    )
    voxels: int = Field(default=128**3, ge=512, description="of a planned patch, at most")
    foreground: Share = Field(
        default=1 / 3, ge=0, le=1, description="share of patches about a voxel of a structure; others lie anywhere"
    )
    overlap: Share = Field(
        default=0.5, ge=0, lt=1, description="of neighbouring windows, where whole volumes are marked"
    )


class VolumeKeys(Frozen):
    """Keys of a training that are of volumes alone."""

    patches: Patches = Field(default=Patches(), description="of volumes: which parts of them a network is shown")
    spacing: Literal["median", "as_read"] | tuple[float, float, float] = Field(
        default="median",
        description="of volumes, where `prepare` is not given: millimetres along i, j and k that they are resampled "
        "to; the median of all, as nnU-Net plans it, or none",
    )
    normalise: Literal["z_score"] = Field(
        default="z_score",
        description="of volumes, where `prepare` is not given: by mean and standard deviation of each (MR)",
    )


OF_VOLUMES = tuple(VolumeKeys.model_fields)
