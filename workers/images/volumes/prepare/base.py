"""What every prepare step of volumes shares: frozen settings, a check of its input, and the way it rejects a volume."""

import dataclasses
from typing import ClassVar

import numpy as np

from schemas.errors import RecordError
from schemas.frozen import Frozen
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.volume import Affine4, Grid, Shape3, StepBack, Volume

MAX_VOXELS = 2**30
"""No step makes a volume of more voxels than this, channels included: 4 GiB of float32."""

FLAT = 1e-9
"""The volume that three axes of length 1 must span at least; below it they lie in a plane."""


class VolumeStep(Frozen):
    """Settings of one step, callable with a volume.

    A step never writes to the voxels it is given. It takes voxels of any real type, (channels, i, j, k), in any order
    in memory, and rejects what is empty or lies nowhere; a subclass says what else it rejects, what it does to the
    type, and which transform of MONAI or SimpleITK defines it. Its result shares memory with its input where it can.
    """

    name: ClassVar[str]

    def __call__(self, volume: Volume, device: str = "cpu") -> Volume:
        """The volume after the step; what is heavy is computed on `device`, the result is on the host.

        Raises RecordError (out_of_contract) where it does not apply.
        """
        checked(volume, self.name)
        if volume.voxels.dtype == np.bool_:
            volume = dataclasses.replace(volume, voxels=volume.voxels.view(np.uint8))
        return self.apply(volume, device)

    def apply(self, volume: Volume, device: str) -> Volume:
        """The step itself, on a volume that was checked; bool came as uint8."""
        raise NotImplementedError(type(self).__name__)

    def reject(self, why: str) -> RecordError:
        """The error of a volume that this step cannot take."""
        return rejected(self.name, why)

    def require_finite(self, voxels: Array) -> None:
        """Reject voxels with NaN or an infinity."""
        if not finite(voxels):
            raise self.reject("the volume has NaN or infinite values")

    def require_size(self, channels: int, shape: Shape3) -> None:
        """Reject a result of more than MAX_VOXELS, and one without any."""
        if min(shape) < 1:
            raise self.reject("nothing of the volume would be left")
        if channels * shape[0] * shape[1] * shape[2] > MAX_VOXELS:
            raise self.reject(
                f"the result would have more than {MAX_VOXELS} voxels: take a larger spacing, a smaller size, or "
                "put `crop_foreground` before it"
            )


def rejected(name: str, why: str) -> RecordError:
    """The error of a volume that step `name` cannot take."""
    return RecordError(Status.OUT_OF_CONTRACT, f"prepare step {name!r}: {why}")


def checked(volume: Volume, name: str) -> None:
    """Reject what is no volume in space, in the name of a step."""
    voxels, grid = volume.voxels, volume.grid
    if voxels.ndim != 4 or voxels.dtype.kind not in "buif":
        raise rejected(name, f"needs real numbers in 4 axes, has {voxels.ndim} axes of {voxels.dtype}")
    if voxels.size == 0:
        raise rejected(name, "the volume has an axis of length 0")
    if voxels.shape[1:] != tuple(grid.shape):
        raise rejected(name, f"the voxels are {voxels.shape[1:]} and the grid is {tuple(grid.shape)}")
    if not np.isfinite(grid.affine).all():
        raise rejected(name, "the affine has NaN or infinite values")
    lengths = np.linalg.norm(grid.affine[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(grid.affine[:3, :3] / lengths)) < FLAT:
        raise rejected(name, "the affine is singular: the axes of the volume span no space")


def finite(voxels: Array) -> bool:
    """Whether there is neither NaN nor an infinity; plane by plane, so that it takes no memory."""
    if voxels.dtype.kind != "f":
        return True
    return all(np.isfinite(plane).all() for channel in voxels for plane in channel)


def moved(volume: Volume, kind: str, voxels: Array, affine: Affine4, **settings: object) -> Volume:
    """`volume` after a step of geometry, which is added to the way back."""
    shape: Shape3 = (voxels.shape[1], voxels.shape[2], voxels.shape[3])
    step = StepBack(kind, volume.grid, settings)
    return Volume(voxels, Grid(shape, affine), (*volume.back, step))


def shifted(affine: Affine4, start: tuple[int, ...]) -> Affine4:
    """The affine of a grid that begins at index `start` of this one."""
    result = np.array(affine, np.float64)
    result[:3, 3] = affine[:3, :3] @ np.array(start, np.float64) + affine[:3, 3]
    return result
