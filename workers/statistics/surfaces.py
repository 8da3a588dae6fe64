"""How far apart the surfaces of two structures are, in millimetres, and how much of them two masks share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.statistics.ranks import Floats

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Two masks of one structure: `predicted` and `true` voxels, `shared` ones. `hd95` (mm) is None where one of
    them is empty, `surface_dice` where both are."""

    predicted: int
    true: int
    shared: int
    hd95: float | None
    surface_dice: float | None

    @property
    def dice(self) -> float | None:
        """Twice the shared voxels by those of both (Dice 1945); None where neither has any."""
        both = self.predicted + self.true
        return 2 * self.shared / both if both else None


def agreement(predicted: Mask, true: Mask, spacing: tuple[float, float, float], tolerance: float) -> Agreement:
    """How two masks (i, j, k) on one grid agree.

    Distances are those of `surface_distances`. `hd95` is the larger of their 95th percentiles in either direction
    (Hausdorff distance), `surface_dice` the share of both surfaces' voxels that lie within `tolerance` millimetres of
    the other (Nikolov et al. 2021), by voxels: MONAI's `compute_hausdorff_distance(percentile=95)` and
    `compute_surface_dice(use_subvoxels=False)`. Where one mask alone is empty nothing of its surface is right:
    `surface_dice` is 0, and there is no distance.
    """
    counts = int(predicted.sum()), int(true.sum()), int((predicted & true).sum())
    if not counts[0] and not counts[1]:
        return Agreement(*counts, None, None)
    if not counts[0] or not counts[1]:
        return Agreement(*counts, None, 0.0)
    there, back = surface_distances(predicted, true, spacing)
    near = int((there <= tolerance).sum() + (back <= tolerance).sum())
    far = max(float(np.percentile(one, 95)) for one in (there, back))
    return Agreement(*counts, far, near / (len(there) + len(back)))


def surface_distances(one: Mask, other: Mask, spacing: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """From each surface voxel of one mask to the nearest of the other, and back, in the units of `spacing`.

    A voxel is of the surface if one of its six neighbours is outside of the mask; what lies beyond the volume is.
    Neither mask is empty.
    """
    from scipy import ndimage  # noqa: PLC0415 - heavy, and other statistics need nothing of it

    box = _box(one | other)
    surfaces = [mask[box] & ~ndimage.binary_erosion(mask[box]) for mask in (one, other)]
    far = [ndimage.distance_transform_edt(~surface, sampling=spacing) for surface in surfaces]
    return far[1][surfaces[0]], far[0][surfaces[1]]


def _box(mask: Mask) -> tuple[slice, ...]:
    """The smallest that holds all of it: far away nothing has to be computed."""
    found = []
    for axis in range(mask.ndim):
        there = np.flatnonzero(mask.any(axis=tuple(at for at in range(mask.ndim) if at != axis)))
        found.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(found)
