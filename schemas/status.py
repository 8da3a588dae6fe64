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
    EMPTY = "empty"
    NO_EVENTS = "no_events"
    LOW_OVERLAP = "low_overlap"
    REF_MISMATCH = "ref_mismatch"
    INPUT_CHANGED = "input_changed"
    """The object is not the one that was planned (another etag or size)."""
    INVALID_OUTPUT = "invalid_output"
    """The model gave NaN where it promises none."""
    INCOMPLETE_SERIES = "incomplete_series"
    """Slices of a series are missing or cannot be read: a volume would have a gap."""
    VARIABLE_SPACING = "variable_spacing"
    """Slices of a series do not lie at equal distances."""
    DUPLICATE_CONFLICT = "duplicate_conflict"
    """Two slices lie at one place, differ, and nothing tells which is meant."""
    LOCALIZER = "localizer"
    """A scout image of a series, which is no part of a volume."""
    NOT_A_VOLUME = "not_a_volume"
    """Readable, but not of three axes with places in the patient."""
    TIMED_OUT = "timed_out"
    CRASHED_WORKER = "crashed_worker"
    """Read or scored alone, it killed its process twice."""


class Fault(NamedTuple):
    """Why a record has no values, or has none of one model: in our own words, never with content of the record."""

    status: Status
    detail: str
