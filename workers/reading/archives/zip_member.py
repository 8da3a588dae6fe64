"""One member of a zip, read by what the plan says of it: no directory is read again."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from schemas.errors import RecordError
from schemas.status import Status
from workers.reading.archives.names import zip_name
from workers.reading.archives.places import DEFLATED, Place
from workers.reading.gzip import RAW_DEFLATE, Fault, InflationError, inflate_member

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LOCAL = struct.Struct("<4s5H3L2H")
_UTF_8 = 0x800
DAMAGED = RecordError(Status.UNREADABLE, "it is damaged in its archive: its checksum is another")


def longest(place: Place) -> int:
    """Bytes that a member takes at most: header, name and extra fields, then what is stored."""
    return _LOCAL.size + 2 * 0xFFFF + place.stored


def skip_header(file: IO[bytes], name: str) -> None:
    """Go on to the bytes of the member that begins here. Raises RecordError where its local header is another's."""
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise RecordError(Status.UNREADABLE, "its archive has something else where it should be")
    fields = _LOCAL.unpack(head)
    raw = file.read(fields[9])
    # A directory that names others than the local headers shows one reader this and another that.
    if zip_name(raw, is_utf8=bool(fields[2] & _UTF_8)) != name:
        raise RecordError(Status.UNREADABLE, "its archive calls it by two names")
    file.seek(fields[10], 1)


def whole_member(file: IO[bytes], place: Place) -> bytes:
    """All of a member whose bytes begin here. Raises RecordError for what is not of its size and checksum."""
    data = file.read(place.stored)
    if place.method == DEFLATED:
        try:
            data, _ = inflate_member(data, place.size, RAW_DEFLATE)
        except InflationError as error:
            if error.fault is Fault.TOO_LARGE:
                raise RecordError(Status.UNREADABLE, "it inflates to more than its archive says") from None
            raise DAMAGED from None
    if len(data) != place.size or zlib.crc32(data) != place.crc:
        raise DAMAGED
    return data


class InflatedMember(io.RawIOBase):
    """A compressed member whose bytes begin where `file` stands, inflated as far as it is read. Reading raises
    RecordError where it is damaged, which shows at its end at the latest."""

    def __init__(self, file: IO[bytes], place: Place) -> None:
        super().__init__()
        info = zipfile.ZipInfo()
        info.compress_type, info.CRC = place.method, place.crc
        info.compress_size, info.file_size = place.stored, place.size
        self._file = zipfile.ZipExtFile(file, "r", info)
        self._size = place.size
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True; going back inflates from the start."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is inflated before it is read."""
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer; fewer bytes only at the end."""
        view = memoryview(buffer).cast("B")
        try:
            data = b"" if self._at >= self._size else self._read(len(view))
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise DAMAGED from None
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, length: int) -> bytes:
        self._file.seek(self._at)
        data = self._file.read(min(length, self._size - self._at))
        if not data and length:
            raise EOFError
        return data
