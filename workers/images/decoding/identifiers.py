"""DICOM attributes carried beside the predictions, as text."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydicom import Dataset, FileDataset
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from workers.images.decoding.fence import as_record_error

T = TypeVar("T")
_HEX_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_FILE_META = 0x0002


def attribute_tag(name: str) -> int | None:
    """The tag that a keyword (`PatientID`) or eight hex digits (`00100020`) name; None for neither."""
    if _HEX_TAG.fullmatch(name):
        return int(name, 16)
    return tag_for_keyword(name)


def read_attribute(dataset: Dataset, name: str, convert: Callable[[Any], T]) -> T | None:
    """What `convert` makes of the value of an element, of the file's meta information for group 0002; None where there
    is none, or it cannot be read."""
    tag = attribute_tag(name)
    if tag is None:
        return None
    try:
        with as_record_error("an attribute cannot be read"):
            holder = getattr(dataset, "file_meta", Dataset()) if tag >> 16 == _FILE_META else dataset
            return convert(holder[tag].value) if tag in holder else None
    except RecordError:
        return None


def identifiers(dataset: FileDataset, names: Iterable[str]) -> Mapping[str, str | None]:
    """The attributes of these names, of the file's meta information for group 0002, else of its top level.

    Several values are joined by a backslash. What is absent, empty, binary, a sequence or cannot be read is None.
    """
    return {name: read_attribute(dataset, name, _filled) for name in names}


def _filled(value: Any) -> str | None:
    text = _text(value)
    return text if text and text.encode() else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bytes, Sequence)):
        return None
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(_text(part) or "" for part in value)
    return str(value)
