"""The same voxels under other axes: files of one volume may begin at other corners, and run along other sides."""

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.volume import Grid, Shape3

_NEAR_MM = 0.05
_NEAR_SHARE = 0.1
"""How far corners may lie apart, in millimetres or in voxels: headers are written with few digits, and some programs
round them."""


def turned(voxels: Array, grid: Grid, onto: Grid, what: str) -> Array:
    """`voxels` (i, j, k) on `grid` as a view with the axes of `onto`.

    Raises RecordError (out_of_contract) where the two are not the same voxels in space; `what` names the first.
    """
    pull = np.linalg.inv(grid.affine) @ onto.affine
    turn = np.rint(pull[:3, :3])
    sizes = f"{what} has {_by(grid.shape)} voxels, and the volume {_by(onto.shape)}"
    if not np.array_equal(np.abs(turn).sum(0), np.ones(3)) or not np.array_equal(np.abs(turn).sum(1), np.ones(3)):
        raise RecordError(Status.OUT_OF_CONTRACT, f"{what} lies on another grid than the volume ({sizes})")
    order = [int(np.flatnonzero(turn[:, axis])[0]) for axis in range(3)]
    if tuple(grid.shape[axis] for axis in order) != tuple(onto.shape):
        raise RecordError(Status.OUT_OF_CONTRACT, sizes)
    flips = [turn[before, after] < 0 for after, before in enumerate(order)]
    _check_corners(grid, onto, turn, order, flips, what)
    found = voxels.transpose(order)
    return found[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def _check_corners(grid: Grid, onto: Grid, turn: Array, order: list[int], flips: list[bool], what: str) -> None:
    """Each corner of one lies at the corner of the other that it becomes."""
    last = np.array(onto.shape) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])], np.float64)
    start = np.zeros(3)
    for after, before in enumerate(order):
        start[before] = grid.shape[before] - 1 if flips[after] else 0
    there = (corners @ turn.T + start) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    here = corners @ onto.affine[:3, :3].T + onto.affine[:3, 3]
    apart = float(np.linalg.norm(here - there, axis=1).max())
    if apart > max(_NEAR_MM, _NEAR_SHARE * min(onto.spacing)):
        raise RecordError(Status.OUT_OF_CONTRACT, f"{what} lies {apart:.3g} mm away from the volume")


def _by(shape: Shape3) -> str:
    return " x ".join(map(str, shape))
