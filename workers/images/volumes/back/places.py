"""Where the voxels of a grid before a resampling lie on the grid after it, along each axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.images.volumes.prepare.spacing import aside
from workers.images.volumes.sampling import Line, lines
from workers.images.volumes.volume import Affine4, Grid, StepBack

STRAIGHT = 1e-9
"""Voxels by which grids may be turned against each other, all along, and still count as straight."""


def pull_of(step: StepBack, after: Grid) -> Affine4:
    """From indices before the step to those after it."""
    return np.asarray(np.linalg.solve(after.affine, step.before.affine), np.float64)


def is_straight(step: StepBack, after: Grid) -> bool:
    """Whether each axis goes on along itself."""
    return step.settings["places"] != "affine" or aside(pull_of(step, after), step.before.shape) < STRAIGHT


def methods_of(step: StepBack) -> Sequence[str]:
    """How values are taken back along each axis."""
    settings: dict[str, Any] = step.settings
    return tuple(settings["methods"])


def straight_places(step: StepBack, after: Grid, *, nearest: bool = False) -> list[Line]:
    """For each axis the places of its voxels before the step, among those after it; whole numbers where one voxel is
    taken as it is, and all of them with `nearest`."""
    settings: dict[str, Any] = step.settings
    found = []
    affine = settings["places"] == "affine"
    if affine:
        exact = lines(pull_of(step, after), after.shape, step.before.shape, bool(settings["align_corners"]))
    for axis, method in enumerate(methods_of(step)):
        many, side = step.before.shape[axis], after.shape[axis]
        line = exact[axis] if affine else _line(many, side, method, corners=settings["places"] == "corners")
        line = np.clip(line, 0, side - 1)
        if method == "nearest_up":
            line = np.floor(line + 0.5)
        elif (method == "nearest" and affine) or nearest:
            line = np.rint(line)
        found.append(line)
    return found


def _line(many: int, side: int, method: str, *, corners: bool) -> Line:
    """Places of `many` voxels among `side` over the same extent, as torch's `interpolate` has them."""
    index = np.arange(many, dtype=np.float64)
    if corners:
        return index * ((side - 1) / (many - 1) if many > 1 else 0.0)
    ratio = side / many
    if method in ("nearest", "nearest_exact"):
        return np.asarray(np.floor((index + 0.5 * (method == "nearest_exact")) * ratio), np.float64)
    if method == "area":
        first, last = np.floor(index * ratio), np.ceil((index + 1) * ratio) - 1
        return np.asarray((first + last) / 2, np.float64)
    return ratio * (index + 0.5) - 0.5
