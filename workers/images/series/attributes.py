"""Attributes of a header as plain values; what is absent, empty or cannot be read is None."""

import re
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from workers.images.decoding.identifiers import read_attribute
from workers.images.decoding.pixel_module import normalised
from workers.images.series.splitting import TRAITS

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
_OTHER_NAMES = {
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
}
"""What functional groups call an attribute that single-frame objects have under another name."""
_PRIVATE_B_VALUES = ((0x0019, 0x0C, "SIEMENS MR HEADER"), (0x2001, 0x03, "Philips Imaging DD 001"))
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


READ = (
    *(tag_for_keyword(keyword) or 0 for keyword in _PLACING),
    *(tag_for_keyword(trait.keyword) or 0 for trait in TRAITS if tag_for_keyword(trait.keyword)),
    *(tag_for_keyword(keyword) or 0 for keyword in _OTHER_NAMES),
    *(tag for group, element, _ in _PRIVATE_B_VALUES for tag in private_tags(group, element)),
)
"""The tags that decide to which volume a slice belongs."""


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


def traits_of(frame: Dataset) -> dict[str, Any]:
    """By what slices at one place may be told apart, as far as the header says it."""
    found = {trait.keyword: value(frame, trait.keyword) for trait in TRAITS}
    for other, name in _OTHER_NAMES.items():
        if found.get(name) is None:
            found[name] = value(frame, other)
    if found["DiffusionBValue"] is None:
        found["DiffusionBValue"] = _private_b_value(frame)
    date, time = text(frame, "AcquisitionDate"), found["AcquisitionTime"]
    if found["AcquisitionDateTime"] is None and date and time:
        # A series may go on past midnight.
        found["AcquisitionDateTime"] = f"{date}{time}"
    return {name: one for name, one in found.items() if one is not None}


def _private_b_value(frame: Dataset) -> float | None:
    for group, element, creator in _PRIVATE_B_VALUES:
        found = private(frame, group, element, creator)
        raw = found.decode("latin-1") if isinstance(found, bytes) else str(found)
        if re.fullmatch(r"\s*\d+(\.\d+)?[\s\0]*", raw):
            return float(raw.strip(" \0"))
    return None


def private(dataset: Dataset, group: int, element: int, creator: str) -> Any:
    """The value of a private element of this creator; None if there is none."""
    for block in range(0x10, 0x20):
        tag = group << 16 | block << 8 | element
        if text(dataset, f"{group:04x}{block:04x}") == creator and tag in dataset:
            return dataset[tag].value
    return None
