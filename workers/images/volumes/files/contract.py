"""What every format of volumes gives: a header without voxels, and then the voxels."""

from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.volume import SCANNER, Affine4, Shape3, Space

_MOST_VOXELS = 2**40
"""More are in no file. Sizes of text headers have any number of digits, columns of a plan 64 bits."""


class NeedsMoreError(Exception):
    """The beginning of a file ends before its header does."""


@dataclass(frozen=True)
class FileHeader:
    """`shape` and `affine` are those of `Grid`, `kind` the type of the voxels as they are stored. `remark` is what had
    to be taken for granted, for `detail`. `space` is that of a NIfTI."""

    shape: Shape3
    affine: Affine4
    kind: np.dtype
    remark: str = ""
    space: Space = SCANNER

    @property
    def stored_bytes(self) -> int:
        """Bytes of the voxels, not compressed."""
        return prod(self.shape) * self.kind.itemsize


class FileFormat(Protocol):
    """A module of this folder."""

    def header(self, start: bytes) -> FileHeader:
        """From the beginning of a file that is not compressed as a whole.

        Raises NeedsMoreError, or RecordError: unreadable, unsupported, not_a_volume.
        """

    def voxels(self, data: bytes | memoryview, max_inflated: int) -> tuple[FileHeader, Array]:
        """The whole file: voxels (i, j, k) of a real type, scaled as the file says. Raises RecordError."""


def three_axes(sizes: tuple[int, ...]) -> Shape3:
    """The sizes without axes of length 1 behind the third. Raises RecordError where more or fewer are left."""
    if len(sizes) < 3 or any(size != 1 for size in sizes[3:]):
        raise RecordError(
            Status.NOT_A_VOLUME, f"it has {len(sizes)} axes, and three are a volume: cut it into volumes of three axes"
        )
    if min(sizes[:3]) < 1:
        raise RecordError(Status.UNREADABLE, "its header gives it no voxels")
    if prod(sizes[:3]) > _MOST_VOXELS:
        raise RecordError(Status.TOO_LARGE, "its header gives it more than 2**40 voxels")
    return sizes[0], sizes[1], sizes[2]


def checked_affine(affine: Affine4) -> Affine4:
    """Raises RecordError (unreadable) for one that is not finite or takes the volume to a plane."""
    if not np.isfinite(affine).all():
        raise RecordError(Status.UNREADABLE, "its affine is not finite")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not spacing.all() or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise RecordError(Status.UNREADABLE, "its affine is singular: two of its axes lie in one direction")
    return affine


def from_lps(directions: Affine4, origin: Affine4) -> Affine4:
    """The affine (RAS+) of columns `directions` (3 x 3, spacing included) and `origin` in LPS+."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions, origin
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)
