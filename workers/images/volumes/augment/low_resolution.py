"""`low_resolution`: as if it had been taken with larger voxels."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import Span, ValueStep


class LowResolution(ValueStep):
    """`monai.transforms.RandSimulateLowResolution`: fewer voxels by the nearest, then as many as before by trilinear
    means."""

    name: ClassVar[str] = "low_resolution"

    probability: float = Field(default=0.25, gt=0, le=1, description="how often it is done")
    zoom: Span = Field(default=(0.5, 1.0), description="smallest and largest share of voxels, by axis")

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        return coarsened(voxels, chance.uniform(*self.zoom))


def coarsened(voxels: Array, zoom: float) -> Array:
    """(channels, i, j, k) by way of a volume whose sides are shorter by this factor."""
    import torch  # noqa: PLC0415 - a list of steps is checked without it

    sides = voxels.shape[1:]
    fewer = [max(1, round(side * zoom)) for side in sides]
    coarse = torch.nn.functional.interpolate(torch.from_numpy(np.ascontiguousarray(voxels))[None], fewer)
    return np.asarray(torch.nn.functional.interpolate(coarse, sides, mode="trilinear", align_corners=False)[0])
