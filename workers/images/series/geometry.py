"""From positions and directions of slices to the affine of their volume (PS3.3 C.7.6.2.1.1)."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from workers.images.series.facts import SliceFacts, Vector3
from workers.images.series.line import Line, tolerance

Floats = NDArray[np.float64]
_SKEW = 1e-2
_IN_PLANE = 0.1
_FARTHEST_MM = 1e6
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True)
class Directions:
    """Unit vectors of a stack of slices, LPS+: along rows, along columns, and their normal."""

    row: Floats
    column: Floats
    normal: Floats

    def place(self, position: Vector3) -> float:
        """Millimetres along the normal."""
        return float(np.dot(position, self.normal))


@dataclass(frozen=True)
class Placement:
    """Where a stack lies: its affine (RAS+), tilt (None: slices follow each other along their normal), and how far a
    slice lies beside the line of their first pixels, at most."""

    affine: Floats
    tilt_deg: float | None
    beside: float


def has_no_geometry(facts: SliceFacts) -> str:
    """What keeps a slice from having a place in the patient, in words; empty if nothing does."""
    if min(facts.rows, facts.columns) < 1:
        return "Rows or Columns is missing"
    if facts.orientation is None:
        return "ImageOrientationPatient is missing"
    row, column = (np.asarray(vector, float) for vector in facts.orientation)
    lengths = (float(row @ row), float(column @ column), float(row @ column) + 1)
    if not all(abs(length - 1) <= _SKEW for length in lengths):
        return "ImageOrientationPatient is no pair of unit vectors at right angles"
    if facts.position is None:
        return "ImagePositionPatient is missing"
    if not np.all(np.abs(facts.position) < _FARTHEST_MM):
        return "ImagePositionPatient is no place in a patient"
    if facts.pixel_spacing is None:
        return "PixelSpacing is missing"
    if not all(0 < side < _FARTHEST_MM for side in facts.pixel_spacing):
        return "PixelSpacing is no distance in a patient"
    return ""


def mean_directions(slices: list[SliceFacts]) -> Directions:
    """The directions that these slices, which differ by noise only, have in common."""
    mean = np.mean([np.asarray(facts.orientation, float) for facts in slices], axis=0)
    row = mean[0] / np.linalg.norm(mean[0])
    column = mean[1] - (mean[1] @ row) * row
    column /= np.linalg.norm(column)
    return Directions(row, column, np.cross(row, column))


def placement(positions: Floats, line: Line, directions: Directions, spacing: tuple[float, float]) -> Placement:
    """The affine of slices whose first pixels lie at `positions` (n x 3, LPS+), in the order of `line`."""
    indices = line.indices
    mean = float(indices.mean())
    centred = indices - mean
    shift = centred @ positions / (centred @ centred)
    in_plane = shift - (shift @ directions.normal) * directions.normal
    drift = float(np.linalg.norm(in_plane)) * float(indices[-1])
    allowed = max(tolerance(line.step), _IN_PLANE * min(spacing))
    tilted = drift > allowed
    if not tilted:
        shift = line.step * directions.normal
    origin = positions.mean(axis=0) - mean * shift
    off = positions - origin - indices[:, None] * shift
    beside = float(np.linalg.norm(off - np.outer(off @ directions.normal, directions.normal), axis=1).max())
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(in_plane), line.step))) if tilted else None
    return Placement(_affine(directions, spacing, shift, origin), tilt, max(beside - allowed, 0.0))


def _affine(directions: Directions, spacing: tuple[float, float], shift: Floats, origin: Floats) -> Floats:
    affine = np.eye(4)
    # Along a row the column changes, so it goes with the distance between columns, which DICOM has second.
    affine[:3, 0] = _LPS_TO_RAS @ directions.row * spacing[1]
    affine[:3, 1] = _LPS_TO_RAS @ directions.column * spacing[0]
    affine[:3, 2] = _LPS_TO_RAS @ shift
    affine[:3, 3] = _LPS_TO_RAS @ origin
    return affine


def axis_codes(affine: Floats) -> str:
    """To where the axes go, such as LPI: each to the anatomical direction that it is nearest to, no two to one."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    best = max(permutations(range(3)), key=lambda order: sum(abs(cosines[order[axis], axis]) for axis in range(3)))
    return "".join(_ENDS[best[axis]][int(cosines[best[axis], axis] > 0)] for axis in range(3))
