"""`crop_body`: the box around the body of a CT."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.geometry import Sides3, cropped
from workers.images.volumes.prepare.libraries import cc3d
from workers.images.volumes.volume import Volume


class CropBody(VolumeStep):
    """The smallest box around the largest piece of what is denser than air, so that tables and blankets of their own
    are left out; `margin` voxels more, as far as there are any.

    Pieces are of voxels above `above` in the first channel that touch by a face (`scipy.ndimage.label`). A view; the
    type stays. Peak: 5 bytes a voxel beside it. Rejects a volume without such voxels.
    """

    name: ClassVar[str] = "crop_body"

    above: float = Field(default=-500.0, description="HU of what is denser than air")
    margin: Sides3 = Field(default=(0, 0, 0), description="voxels that are added on each side along i, j and k")

    def apply(self, volume: Volume, device: str) -> Volume:
        found = self._largest(volume.voxels[0] > self.above)
        if found is None:
            raise self.reject(f"no voxel is above {self.above:g}")
        start = [max(one.start - more, 0) for one, more in zip(found, self.margin, strict=True)]
        sides = zip(found, self.margin, volume.grid.shape, strict=True)
        return cropped(self, volume, start, [min(one.stop + more, side) for one, more, side in sides])

    def _largest(self, mask: Array) -> tuple[slice, ...] | None:
        pieces: Any = cc3d().connected_components(mask, connectivity=6)
        statistics = cc3d().statistics(pieces)
        sizes = statistics["voxel_counts"][1:]
        if len(sizes) == 0:
            return None
        return tuple(statistics["bounding_boxes"][1 + int(np.argmax(sizes))])
