"""Keys of instances, and whether a body is the instance that a key names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UID = re.compile(r"[0-9.]{1,64}")
_KEY = re.compile(r"studies/([0-9.]{1,64})/series/([0-9.]{1,64})/instances/([0-9.]{1,64})")
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""Value representations with a length of four bytes behind two that are reserved (DICOM PS3.5, 7.1.2)."""
_FILE_META = b"\x02\x00"
_STORED_UID = b"\x03\x00"
_LITTLE_ENDIAN = re.compile(rb"\x08\x00\x18\x00(?:UI(..)|(..)\x00\x00)", re.DOTALL)
_BIG_ENDIAN = re.compile(rb"\x00\x08\x00\x18UI(..)", re.DOTALL)
LOOKED_AT = 1 << 16
"""Bytes of a body in which its UID has to stand."""


@dataclass(frozen=True)
class Instance:
    """The three UIDs that name one."""

    study: str
    series: str
    uid: str

    @property
    def key(self) -> str:
        """Below the address of a service, where it is also the resource of WADO-RS."""
        return f"studies/{self.study}/series/{self.series}/instances/{self.uid}"


def instance_at(key: str) -> Instance | None:
    """What a key names; None for one that is none of an instance."""
    match = _KEY.fullmatch(key)
    return Instance(*match.groups()) if match else None


def is_uid(text: object) -> bool:
    """Whether it can stand in a path: digits and dots, 64 at most (DICOM PS3.5, 9.1)."""
    return isinstance(text, str) and _UID.fullmatch(text) is not None


def is_instance(start: bytes, uid: str) -> bool:
    """Whether a file with this beginning is of the instance: by its file meta information (DICOM PS3.10), or by its
    dataset: archives have files that lack the first, or where somebody changed one of the two."""
    wanted = uid.encode("ascii")
    return wanted in (_of_file_meta(start), *_of_dataset(start))


def _of_file_meta(start: bytes) -> bytes | None:
    """MediaStorageSOPInstanceUID (0002,0003), always in explicit little endian."""
    at = 132 if start[128:132] == b"DICM" else len(start)
    while start[at : at + 2] == _FILE_META and len(start) >= at + 12:
        long = start[at + 4 : at + 6] in _LONG
        begin = at + (12 if long else 8)
        length = int.from_bytes(start[begin - (4 if long else 2) : begin], "little")
        if start[at + 2 : at + 4] == _STORED_UID:
            return _text(start[begin : begin + length])
        at = begin + length
    return None


def _of_dataset(start: bytes) -> Iterator[bytes]:
    """SOPInstanceUID (0008,0018), where the dataset is not deflated."""
    if match := _LITTLE_ENDIAN.search(start):
        length = int.from_bytes(match[1] or match[2], "little")
        yield _text(start[match.end() : match.end() + length])
    if match := _BIG_ENDIAN.search(start):
        yield _text(start[match.end() : match.end() + int.from_bytes(match[1], "big")])


def _text(value: bytes) -> bytes:
    return value.rstrip(b"\0 ")
