"""NIfTI-1 and NIfTI-2 (https://nifti.nimh.nih.gov/), single files, as nibabel reads them.

The affine is the sform where its code is not 0, else the qform, else voxel sizes alone, as in nibabel and the
standard's methods 3, 2 and 1; with the last `detail` says so, since it knows neither sides nor origin. Lengths in
metres or microns (`xyzt_units`) become millimetres, as ITK has them; nibabel leaves that to whoever reads.
"""

import math
from io import BytesIO

import nibabel
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.volumes.files.contract import FileHeader, NeedsMoreError, checked_affine, three_axes
from workers.images.volumes.files.values import array_of, checked_kind, scaled
from workers.images.volumes.volume import Space

_OF_LENGTH = 0x07
_UNITS_MM = {1: 1000.0, 3: 0.001}
"""Metres and microns; all else is millimetres."""
_NO_PLACE = "its header gives it no place in the patient, only voxel sizes: sides are taken to be right to left"


def header(start: bytes) -> FileHeader:
    """From the first 352 or 544 bytes. Raises NeedsMoreError or RecordError."""
    return _described(_parsed(start))


def voxels(data: bytes | memoryview, max_inflated: int) -> tuple[FileHeader, Array]:
    """The whole file, scaled by `scl_slope` and `scl_inter` unless the slope is 0 or NaN. Raises RecordError."""
    try:
        raw = _parsed(bytes(data[:544]))
    except NeedsMoreError:
        raise RecordError(Status.UNREADABLE, "it ends in its header") from None
    found = _described(raw)
    offset = max(int(raw["vox_offset"]), int(raw.sizeof_hdr) if raw.sizeof_hdr == 540 else 352)
    stored = array_of(memoryview(data)[offset:], found.kind, found.shape)
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if not math.isfinite(slope) or slope == 0.0:
        slope, intercept = 1.0, 0.0
    if not math.isfinite(intercept):
        raise RecordError(Status.UNREADABLE, "its scl_inter is not a finite number")
    return found, scaled(stored, slope, intercept)


def _parsed(start: bytes) -> nibabel.Nifti1Header:
    second = start[4:7] in (b"n+2", b"ni2")
    kind, size = (nibabel.Nifti2Header, 540) if second else (nibabel.Nifti1Header, 348)
    if len(start) < size:
        raise NeedsMoreError
    with as_record_error("its NIfTI header cannot be read"):
        raw = kind.from_fileobj(BytesIO(start[:size] + b"\0\0\0\0"), check=False)
    if bytes(raw["magic"])[:2] != b"n+":
        raise RecordError(
            Status.UNSUPPORTED,
            "a header of NIfTI or Analyze whose voxels lie in another file (.img): convert both to one .nii",
        )
    return raw


def _described(raw: nibabel.Nifti1Header) -> FileHeader:
    if not math.isfinite(raw["vox_offset"]):
        raise RecordError(Status.UNREADABLE, "its vox_offset, where its voxels begin, is not a finite number")
    axes = int(raw["dim"][0])
    if not 1 <= axes <= 7:
        raise RecordError(Status.UNREADABLE, "its header contradicts itself: no number of axes")
    shape = three_axes(tuple(int(size) for size in raw["dim"][1 : axes + 1]))
    with as_record_error("its NIfTI header names no type of voxels"):
        kind = checked_kind(raw.get_data_dtype())
    with as_record_error("its affine cannot be read"), np.errstate(all="ignore"):
        affine = np.array(raw.get_best_affine(), np.float64)
    code = int(raw["sform_code"]) if int(raw["sform_code"]) > 0 else max(int(raw["qform_code"]), 0)
    space = Space(code, _UNITS_MM.get(int(raw["xyzt_units"]) & _OF_LENGTH, 1.0))
    affine[:3] *= space.unit_mm
    return FileHeader(shape, checked_affine(affine), kind, "" if code else _NO_PLACE, space)
