"""What the headers of objects say that decides to which volume they belong: one entry a slice."""

from dataclasses import dataclass, field
from typing import Any

from schemas.status import Fault

Vector3 = tuple[float, float, float]


@dataclass(frozen=True)
class SliceFacts:
    """One slice of one DICOM object, by its header alone; lengths are millimetres, directions DICOM's (LPS+).

    `key` names the object, `frame` counts from 0. What the header does not say is None. `extra` has the attributes that
    a selection asks for, and those by which slices at one place may be told apart (echo time, b-value, ...).
    """

    key: str
    frame: int
    series_uid: str | None
    study_uid: str | None
    frame_of_reference: str | None
    sop_uid: str | None
    sop_class: str | None
    modality: str | None
    rows: int
    columns: int
    samples: int
    pixel_spacing: tuple[float, float] | None
    """Between rows, then between columns, as DICOM has it."""
    orientation: tuple[Vector3, Vector3] | None
    """Direction along a row, then along a column."""
    position: Vector3 | None
    thickness: float | None
    instance_number: int | None
    image_type: tuple[str, ...] = ()
    subject: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    corner: tuple[int, int] | None = None
    """First row and first column of the slice in its frame, where the frame is a mosaic of slices."""
    decoded_bytes: int = 0
    """What the decoded slice takes in memory at most, in the type that decoding gives it."""
    digest: str | None = None
    """The sha256 of its stored pixels and of how they are scaled, where somebody asked for it."""
    fault: Fault | None = None
    """Why its pixels cannot be read, as far as the header tells: the slice is known to be missing from its volume."""


@dataclass(frozen=True)
class PlacedSlice:
    """A slice in its volume. `index` counts along k from 0; `place_mm` is its position along the normal; `corner` as in
    `SliceFacts`."""

    key: str
    frame: int
    index: int
    place_mm: float
    corner: tuple[int, int] | None = None
    sop_uid: str | None = None


@dataclass(frozen=True)
class SeriesVolume:
    """What one series, or a part of it, came to.

    `status` is None for a volume that can be read; else it says why there is none, with `detail` in our own words.
    `affine` (rows of the 4 x 4, RAS+; see `workers.images.volumes.volume.Grid`) takes the index (column, row, slice) to
    millimetres; of a series taken with a tilted gantry it is sheared. `duplicates` are objects that repeat a slice.
    """

    volume_id: str
    slices: tuple[PlacedSlice, ...]
    status: str | None = None
    detail: str = ""
    shape: tuple[int, int, int] | None = None
    affine: tuple[tuple[float, float, float, float], ...] | None = None
    spacing: Vector3 | None = None
    """Between columns, between rows, and between slices along their normal. In a tilted series the third is shorter
    than the column of the affine."""
    tilt_deg: float | None = None
    residual_mm: float | None = None
    """How far a slice lies from where the affine has it, at most, along the normal."""
    orientation: str | None = None
    """To where the axes i, j and k go, such as LPI."""
    duplicates: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()
    """The indices along k at which an incomplete series has no slice."""
    series_uid: str | None = None
    study_uid: str | None = None
    subject: str | None = None
    modality: str | None = None
    samples: int = 1
    selected_by: str | None = None
    """The rule of the spec that takes it."""
    decoded_bytes: int = 0
    """What its decoded slices take together; memory for it can be reserved before anything is read."""
