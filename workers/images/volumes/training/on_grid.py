"""The classes of a label map on the grid that the prepared volume has. Imports torch."""

import numpy as np
import torch

from workers.images.volumes.augment.warp import sampled
from workers.images.volumes.training.classes import Classes
from workers.images.volumes.volume import Affine4, Grid, Shape3

_ROWS = 32
"""Planes along i that are resampled at once."""


def on_grid(classes: Classes, grid: Grid, wanted: Grid) -> Classes:
    """The class of each voxel of `wanted`: that with the largest share among its eight neighbours, as nnU-Net resamples
    label maps one by one with order 1; background outside. A grid that only turns or cuts the other loses nothing."""
    pull = np.linalg.inv(grid.affine) @ wanted.affine
    numbers = np.unique(classes)
    found = np.zeros(wanted.shape, np.int16)
    exact = _is_exact(pull)
    for start in range(0, wanted.shape[0], _ROWS):
        rows = slice(start, min(start + _ROWS, wanted.shape[0]))
        at = _places(pull, rows, wanted.shape)
        if exact:
            found[rows] = sampled(classes[None], at, is_nearest=True)[0]
            continue
        shares = np.concatenate([sampled((classes == number)[None], at) for number in numbers])
        found[rows] = np.where(shares.max(0) > 0, numbers[shares.argmax(0)], 0)
    return found


def _is_exact(pull: Affine4) -> bool:
    return bool(np.allclose(pull, np.rint(pull), atol=1e-3))


def _places(pull: Affine4, rows: slice, shape: Shape3) -> torch.Tensor:
    """(rows, j, k, 3) float32: where voxels of the result lie, in voxels of the source."""
    matrix = torch.from_numpy(pull.astype(np.float32))
    sides = [torch.arange(rows.start, rows.stop), torch.arange(shape[1]), torch.arange(shape[2])]
    found = matrix[:3, 3].expand(len(sides[0]), shape[1], shape[2], 3)
    for axis, places in enumerate(sides):
        form = [-1 if at == axis else 1 for at in range(3)]
        found = found + places.float().reshape(*form, 1) * matrix[:3, axis]
    return found
