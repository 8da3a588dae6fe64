"""DICOM attributes carried beside the predictions, as text."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydicom import Dataset, FileDataset
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from workers.images.decoding.fence import as_record_error

_HEX_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_FILE_META = 0x0002


def attribute_tag(name: str) -> int | None:
    """The tag that a keyword (`PatientID`) or eight hex digits (`00100020`) name; None for neither."""
    if _HEX_TAG.fullmatch(name):
        return int(name, 16)
    return tag_for_keyword(name)


def holder_of(dataset: Dataset, tag: int) -> Dataset:
    """Where an element with this tag stands: in the file's meta information (group 0002), or in the dataset."""
    found: Dataset = getattr(dataset, "file_meta", Dataset()) if tag >> 16 == _FILE_META else dataset
    return found


def identifiers(dataset: FileDataset, names: Iterable[str]) -> Mapping[str, str | None]:
    """The attributes of these names, of the file's meta information for group 0002, else of its top level.

    Several values are joined by a backslash. What is absent, empty, binary, a sequence or cannot be read is None.
    """
    return {name: _attribute(dataset, name) for name in names}


def _attribute(dataset: FileDataset, name: str) -> str | None:
    tag = attribute_tag(name)
    if tag is None:
        return None
    try:
        with as_record_error("an attribute cannot be read"):
            holder = holder_of(dataset, tag)
            text = _text(holder[tag].value) if tag in holder else None
            return text if text and text.encode() else None
    except RecordError:
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bytes, Sequence)):
        return None
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(_text(part) or "" for part in value)
    return str(value)
