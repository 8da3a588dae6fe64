"""`orient`: axes in an agreed order and direction."""

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from workers.images.volumes.prepare.axes import directions, of_codes
from workers.images.volumes.prepare.base import VolumeStep, moved
from workers.images.volumes.volume import Affine4, Shape3, Volume


class Orient(VolumeStep):
    """Axes permuted and flipped so that i, j and k go to where `axes` says, or closest to it in an oblique volume.

    Equal to MONAI `Orientation` with labels (L, R), (P, A), (I, S). The result is a view; the type stays.
    """

    name: ClassVar[str] = "orient"

    axes: str = Field(
        default="RAS",
        description="to where i, j and k go: R or L (right, left), A or P (front, back), S or I (up, down)",
    )

    @field_validator("axes")
    @classmethod
    def _known(cls, axes: str) -> str:
        of_codes(axes)
        return axes

    def apply(self, volume: Volume, device: str) -> Volume:
        now = directions(volume.grid.affine)
        order, flips = [], []
        for space, sign in of_codes(self.axes):
            axis = next(axis for axis in range(3) if now[axis][0] == space)
            order.append(axis)
            flips.append(now[axis][1] != sign)
        voxels = volume.voxels.transpose(0, *(1 + axis for axis in order))
        voxels = voxels[(slice(None), *(slice(None, None, -1) if flip else slice(None) for flip in flips))]
        affine = volume.grid.affine @ _placing(order, flips, volume.grid.shape)
        return moved(volume, "orient", voxels, affine, order=tuple(order), flips=tuple(flips))


def _placing(order: list[int], flips: list[bool], shape: Shape3) -> Affine4:
    """From indices after the step to those before it."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for after, (before, flip) in enumerate(zip(order, flips, strict=True)):
        matrix[before, after] = -1.0 if flip else 1.0
        matrix[before, 3] = shape[before] - 1.0 if flip else 0.0
    return matrix
