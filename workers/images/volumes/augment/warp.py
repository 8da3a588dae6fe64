"""One resampling for the cut of a patch and all steps that move voxels. Imports torch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.contract import Array
from workers.images.volumes.augment.base import Spacing
from workers.images.volumes.volume import Shape3


def places(middle: Sequence[float], size: Shape3, back: Array, spacing: Spacing) -> Tensor:
    """(i, j, k, 3) float32: where each voxel of a patch comes from, in voxels of the volume.

    `middle` is where the middle of the patch lies there; `back` (3, 3) is in millimetres from it.
    """
    steps = np.diag(spacing)
    matrix = torch.from_numpy((np.linalg.inv(steps) @ back @ steps).astype(np.float32))
    sides = [torch.arange(side, dtype=torch.float32) - (side - 1) / 2 for side in size]
    found = torch.tensor(list(middle), dtype=torch.float32).expand(*size, 3)
    for axis, offsets in enumerate(sides):
        shape = [-1 if at == axis else 1 for at in range(3)]
        found = found + offsets.reshape(*shape, 1) * matrix[:, axis]
    return found


def sampled(voxels: Array, at: Tensor, is_nearest: bool = False) -> Array:
    """(channels, i, j, k) float32: the values at these places, trilinear between neighbours or those of the nearest;
    0 outside."""
    sides = torch.tensor(voxels.shape[1:], dtype=torch.float32)
    # From -1 to 1 between the outer faces of the first and the last voxel.
    scaled = (2 * at + 1) / sides - 1
    given = torch.from_numpy(np.array(voxels, np.float32, order="C"))[None]
    mode = "nearest" if is_nearest else "bilinear"
    # grid_sample has the last axis first.
    found = functional.grid_sample(given, scaled.flip(-1)[None], mode, "zeros", align_corners=False)
    return np.asarray(found[0])
