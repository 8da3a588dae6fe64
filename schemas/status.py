"""The closed list of what can become of a record."""

from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """Terminal state of one record. Adding one needs a reason in docs/decisions.md."""

    OK = "ok"
    MISSING = "missing"
    """The object named by the plan is not there (404)."""
    FORBIDDEN = "forbidden"
    """The store refuses the object to these credentials for good; a row only with `limits.forbidden: row`."""
    UNREADABLE = "unreadable"
    """Its bytes are not what their format demands."""
    UNSUPPORTED = "unsupported"
    """Valid, but of a kind that no installed decoder reads."""
    NO_PIXELS = "no_pixels"
    """A DICOM object without an image in it."""
    TOO_LARGE = "too_large"
    """Larger than the limits of the spec, found before decoding; or too large for the memory of the device."""
    OUT_OF_CONTRACT = "out_of_contract"
    """Readable, but not what the model was made for (channels, size, value range)."""
    INCOMPLETE_SERIES = "incomplete_series"
    """Slices of the volume are not there, or cannot be read; none is ever made up."""
    VARIABLE_SPACING = "variable_spacing"
    """Its slices do not lie on a regular grid, so that no affine says where its voxels are."""
    DUPLICATE_CONFLICT = "duplicate_conflict"
    """Different slices lie at one place, and nothing says which of them counts."""
    NOT_A_VOLUME = "not_a_volume"
    """A single slice, slices that all lie at one place, or that say of no place."""
    LOCALIZER = "localizer"
    """A planning view, or a few slices across a volume."""
    NOT_SELECTED = "not_selected"
    """A volume that the spec's rules pass over."""
    EMPTY = "empty"
    NO_EVENTS = "no_events"
    LOW_OVERLAP = "low_overlap"
    REF_MISMATCH = "ref_mismatch"
    INPUT_CHANGED = "input_changed"
    """The object is not the one that was planned (another etag or size)."""
    INVALID_OUTPUT = "invalid_output"
    """The model gave NaN where it promises none."""
    TIMED_OUT = "timed_out"
    CRASHED_WORKER = "crashed_worker"
    """Read or scored alone, it killed its process twice."""


class Fault(NamedTuple):
    """Why a record has no values, or has none of one model: in our own words, never with content of the record."""

    status: Status
    detail: str
