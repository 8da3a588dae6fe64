"""Attributes of a header as plain values; what is absent, empty or cannot be read is None."""

from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from workers.images.decoding.identifiers import read_attribute
from workers.images.decoding.pixel_module import normalised

_PLACING = (
    "SOPInstanceUID",
    "SOPClassUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Manufacturer",
    "PatientID",
    "ImageType",
    "InstanceNumber",
    "SliceThickness",
    "SpacingBetweenSlices",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "GridFrameOffsetVector",
    "AcquisitionDate",
    "AcquisitionMatrix",
    "RescaleSlope",
    "RescaleIntercept",
)
SEQUENCES = tuple(
    tag_for_keyword(keyword) or 0
    for keyword in (
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "DimensionIndexSequence",
        "ModalityLUTSequence",
        "DetectorInformationSequence",
    )
)


def private_tags(group: int, element: int) -> tuple[int, ...]:
    """The tags at which a private element may stand, and those of the creators that say whose it is."""
    blocks = range(0x10, 0x20)
    return tuple(tag for block in blocks for tag in (group << 16 | block, group << 16 | block << 8 | element))


PLACING_TAGS = tuple(tag_for_keyword(keyword) or 0 for keyword in _PLACING)
"""What decides where a slice lies, and of which series."""


def value(dataset: Dataset, name: str) -> Any:
    """An attribute as text, number, or a tuple of either; None for bytes and sequences, too."""
    return read_attribute(dataset, name, _plain)


def _plain(found: Any) -> Any:
    if found is None or isinstance(found, bytes | DicomSequence):
        return None
    if isinstance(found, MultiValue | list | tuple):
        return tuple(_plain(part) for part in found) or None
    if isinstance(found, int):
        return int(found)
    if isinstance(found, float):
        return float(found)
    return str(found).strip(" \0") or None


def text(dataset: Dataset, keyword: str) -> str | None:
    """One text; of several the first."""
    found = value(dataset, keyword)
    first = found[0] if isinstance(found, tuple) else found
    return None if first is None else str(first)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Codes, in capitals."""
    found = value(dataset, keyword)
    several = found if isinstance(found, tuple) else (found,)
    return tuple(normalised(word) for word in several if word is not None)


def number(dataset: Dataset, keyword: str) -> float | None:
    """One number."""
    found = numbers(dataset, keyword, 1)
    return found[0] if found else None


def whole(dataset: Dataset, keyword: str) -> int | None:
    """One whole number."""
    found = number(dataset, keyword)
    return int(found) if found is not None and found.is_integer() else None


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """So many numbers; None where there are more or fewer, or one of them is none."""
    found = value(dataset, keyword)
    several = found if isinstance(found, tuple) else (found,)
    if len(several) != count or not all(isinstance(one, int | float) for one in several):
        return None
    return tuple(float(one) for one in several)


def private(dataset: Dataset, group: int, element: int, creator: str) -> Any:
    """The value of a private element of this creator; None if there is none, or it cannot be read."""
    for block in range(0x10, 0x20):
        tag = group << 16 | block << 8 | element
        if text(dataset, f"{group:04x}{block:04x}") == creator and tag in dataset:
            return read_attribute(dataset, f"{tag:08x}", lambda found: found)
    return None
