"""The values that pass between the parts of volumes: voxels, and where they lie in the patient."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array

Affine4 = NDArray[np.float64]
Shape3 = tuple[int, int, int]


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: `affine` (4 x 4) takes indices (i, j, k) to millimetres, x to the right, y to the front, z up
    (RAS+, as NIfTI and MONAI have it). DICOM's patient coordinates (LPS+) are these with x and y negated.

    A DICOM slice has its columns along i and its rows along j: `pixels[row, column]` is voxel `(column, row)`.
    """

    shape: Shape3
    affine: Affine4

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between neighbours along i, j and k."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def voxel_ml(self) -> float:
        """The volume of a voxel in millilitres; of a sheared grid too."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0


class Space(NamedTuple):
    """What a NIfTI says of the space that its affine leads to: `code` (nifti1.h, NIFTI_XFORM: 0 unknown, 1 the scanner,
    2 another volume, 3 Talairach, 4 MNI, 5 a template), and millimetres in its unit of length (`xyzt_units`)."""

    code: int = 1
    unit_mm: float = 1.0


SCANNER = Space()
"""That of all that is no NIfTI."""


@dataclass(frozen=True)
class Volume:
    """`voxels` are (channels, i, j, k), of any real type and any strides; nobody writes to them.

    `back` are the steps that took it here from the volume as it was read, the first step first: each can take
    values on this grid back to the grid before it (`workers.images.volumes.back`).
    """

    voxels: Array
    grid: Grid
    back: tuple["StepBack", ...] = field(default=())


@dataclass(frozen=True)
class StepBack:
    """One step of geometry as its inverse needs it: `kind` is `orient`, `resample`, `crop` or `pad`, `before` the grid
    that it started from, `settings` what else it has to know, as plain values."""

    kind: str
    before: Grid
    settings: dict[str, object] = field(default_factory=dict)
