"""A label map on the grid of its volume, and its classes on the grid that the prepared volume has. Imports torch."""

import numpy as np
import torch

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.augment.warp import sampled
from workers.images.volumes.training.classes import Classes
from workers.images.volumes.volume import Affine4, Grid, Shape3

_NEAR_MM = 0.05
_NEAR_SHARE = 0.1
"""How far corners may lie apart: headers are written with few digits, and some programs round them."""
_ROWS = 32
"""Planes along i that are resampled at once."""


def checked_labels(values: Array, grid: Grid, volume: Grid) -> Array:
    """The label map as whole numbers. Raises RecordError (out_of_contract) for one that lies elsewhere than its volume,
    or holds what is no label. Axes may go the other way round, and in another order."""
    if not np.isfinite(values).all() or not np.array_equal(values, np.rint(values)) or values.min(initial=0) < 0:
        raise RecordError(Status.OUT_OF_CONTRACT, "its label map has values that are no whole numbers from 0 on")
    if values.max(initial=0) > np.iinfo(np.int32).max:
        raise RecordError(Status.OUT_OF_CONTRACT, "its label map has values above 2147483647")
    here, there = _corners(volume), _corners(grid)
    if sorted(grid.shape) != sorted(volume.shape):
        raise RecordError(
            Status.OUT_OF_CONTRACT, f"its label map has {_by(grid.shape)} voxels, and the volume {_by(volume.shape)}"
        )
    near = max(_NEAR_MM, _NEAR_SHARE * min(volume.spacing))
    apart = max(float(np.linalg.norm(there - corner, axis=1).min()) for corner in here)
    if apart > near:
        raise RecordError(Status.OUT_OF_CONTRACT, f"its label map lies {apart:.3g} mm away from the volume")
    return values.astype(np.int32)


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


def _corners(grid: Grid) -> Array:
    """(8, 3): the middles of the corner voxels, in millimetres."""
    last = np.array(grid.shape) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    found: Array = corners @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    return found


def _by(shape: Shape3) -> str:
    return " x ".join(map(str, shape))
