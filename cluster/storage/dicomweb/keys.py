"""What a DICOMweb service is searched for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """An attribute, by keyword and by its tag in eight hex digits, and what it has to match (DICOM PS3.4, C.2.2.2): one
    value, one with `*` and `?`, or of dates and times a range."""

    keyword: str
    tag: str
    vr: str
    value: str


Keys = tuple[Key, ...]


@dataclass(frozen=True)
class Search:
    """What is searched for at each level. Of several sets of keys one has to match, of a set every key."""

    studies: tuple[Keys, ...] = ((),)
    series: tuple[Keys, ...] = ((),)
    instances: tuple[Keys, ...] = ((),)
