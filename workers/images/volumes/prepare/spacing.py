"""Which grid has voxels of a given size: the rules of MONAI and of nnU-Net."""

from dataclasses import dataclass

import numpy as np

from workers.images.volumes.volume import Affine4, Grid, Shape3

Spacing3 = tuple[float, float, float]

ALIKE = 1e-3
"""MONAI's AFFINE_TOL: spacings, and affines, that differ by less are the same."""


@dataclass(frozen=True)
class Target:
    """A grid to resample to, and what takes its indices to those of the source."""

    shape: Shape3
    affine: Affine4
    pull: Affine4


def by_spacing(grid: Grid, spacing: Spacing3) -> Target:
    """MONAI `Spacing`: `zoom_affine` and `compute_shape_offset`, without `scale_extent`.

    Shear is taken out of the axes (j turns towards i, k towards both), the first voxel stays in its place where the
    axes allow it, and sides are rounded from the distance of first and last voxel.
    """
    kept = [old if abs(old - new) <= ALIKE else new for old, new in zip(grid.spacing, spacing, strict=True)]
    linear = grid.affine[:3, :3]
    upper = np.linalg.cholesky(linear.T @ linear).T
    affine = np.eye(4)
    affine[:3, :3] = linear @ np.linalg.inv(upper) @ np.diag(kept)
    shape, affine[:3, 3] = _shape_and_origin(grid, affine)
    pull = np.asarray(np.linalg.solve(grid.affine, affine), np.float64)
    return Target(shape, affine, pull)


def _shape_and_origin(grid: Grid, affine: Affine4) -> tuple[Shape3, np.ndarray]:
    sides = np.array(grid.shape, np.float64)
    corners = np.array(np.meshgrid(*((0.0, side - 1.0) for side in sides), indexing="ij")).reshape(3, -1)
    corners = np.concatenate([corners, np.ones((1, 8))])
    reached = (np.linalg.solve(affine, grid.affine) @ corners)[:3]
    rounded = np.round(np.ptp(reached, axis=1) + 1.0)
    shape = (int(rounded[0]), int(rounded[1]), int(rounded[2]))
    for corner in range(8):
        if np.allclose((reached - reached[:, corner : corner + 1]).min(axis=1), 0.0, rtol=ALIKE):
            return shape, (grid.affine @ corners)[:3, corner]
    middle = grid.affine[:3, :3] @ (sides / 2.0) + grid.affine[:3, 3]
    return shape, middle - affine[:3, :3] @ (rounded / 2.0)


def by_extent(grid: Grid, spacing: Spacing3) -> Target:
    """nnU-Net `compute_new_shape`: sides rounded half to even from the old ones, the same field of view."""
    sides = [max(1, round(old / new * side)) for old, new, side in zip(grid.spacing, spacing, grid.shape, strict=True)]
    return to_shape(grid, (sides[0], sides[1], sides[2]))


def to_shape(grid: Grid, shape: Shape3, *, corners: bool = False) -> Target:
    """A grid of `shape` over the same field of view; with `corners` from the first voxel's middle to the last one's."""
    pull = np.eye(4)
    for axis, (old, new) in enumerate(zip(grid.shape, shape, strict=True)):
        ratio = (old - 1) / (new - 1) if corners and new > 1 else old / new
        pull[axis, axis] = ratio
        pull[axis, 3] = 0.0 if corners else (ratio - 1) / 2
    return Target(shape, grid.affine @ pull, pull)


def separate_axis(first: Spacing3, second: Spacing3, anisotropy: float, forced: bool | None) -> int | None:
    """nnU-Net `determine_do_sep_z_and_axis`: the axis that is resampled on its own, told by the spacing before, or
    else by that after."""
    if forced is False:
        return None
    spacings = (first,) if forced else (first, second)
    for spacing in spacings:
        if forced or max(spacing) / min(spacing) > anisotropy:
            largest = [axis for axis in range(3) if max(spacing) / spacing[axis] == 1]
            return largest[0] if len(largest) == 1 else None
    return None


def aside(pull: Affine4, shape: Shape3) -> float:
    """By how many voxels of the source a result of `shape` is sheared, from its first voxel to its last."""
    linear = pull[:3, :3]
    return float((np.abs(linear - np.diag(np.diag(linear))) * (np.array(shape) - 1)).sum(axis=1).max())
