"""UIDs and dates of DICOM objects that we make: the same whoever makes them, so that their bytes are."""

import hashlib
import re

from workers.images.volumes.outputs.marked import DicomSource, Origin

_DATE = re.compile(r"^\d{8}$")
_TIME = re.compile(r"^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$")


def uid_of(*parts: str) -> str:
    """A UID below 2.25, of a UUID (version 8 of RFC 9562) whose bits are those of a sha256 of the parts."""
    bits = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:16], "big")
    bits = bits & ~(0xF << 76) | 8 << 76
    bits = bits & ~(0x3 << 62) | 2 << 62
    return f"2.25.{bits}"


def made_uid(origin: Origin, what: str) -> str:
    """The UID of something that a run made of a volume: of its fingerprint, the volume, the model, and what it is."""
    return uid_of(origin.fingerprint, origin.volume_id, origin.model, what)


def frame_of_reference(source: DicomSource) -> str:
    """That of the series. One without has one made of its UID: the same in all that is made of this series, and in
    nothing of another, since nothing says that two series without one lie in the same space."""
    study = source.study
    return study.frame_of_reference or uid_of(study.study_uid, study.series_uid, "frame of reference")


def study_uid(origin: Origin, source: DicomSource) -> str:
    """That of the study, or one made of the volume."""
    return source.study.study_uid or uid_of(origin.volume_id, "study")


def series_uid(origin: Origin, source: DicomSource) -> str:
    """That of the source's series, or one made of the volume."""
    return source.study.series_uid or uid_of(origin.volume_id, "series")


def made_on(source: DicomSource) -> tuple[str, str]:
    """Date and time of what is made (DA, TM): those of the series, else of the study, else the first of 1900.

    The true time of making would differ with each worker, and so would the bytes.
    """
    study = source.study
    date = next((one for one in (study.series_date, study.study_date) if _DATE.match(one)), "19000101")
    time = study.series_time if date == study.series_date else study.study_time
    return date, time if _TIME.match(time) else "000000"
