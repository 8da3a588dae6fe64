"""The central directory of a zip, as a stream (APPNOTE 6.3.10, 4.3.12 to 4.3.16).

Not zipfile's: it makes an object of every entry before it gives the first, half a gigabyte for a million members. What
it decides is decided the same way: sizes are those of the directory, so that data descriptors need no look; bytes in
front of the archive (self-extracting ones) are told by where the directory should lie; the last of the comments that
fits is the end.
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END

from workers.reading.archives.found import FOLDERS, ArchiveError, Counts, Found, Read, spanned
from workers.reading.archives.names import archive_kind, leads_outside, passed_over, zip_name
from workers.reading.archives.places import DEFLATED, STORED, MemberFault, Place

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT = 0xFFFF
_LOCAL_HEADER = 30
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED, _PATCH, _STRONG, _UTF_8, _MASKED = 0x1, 0x20, 0x40, 0x800, 0x2000
_UNIX = 3
_DEFLATE_AT_MOST = 1032
"""Bytes that one byte of deflate can stand for (zlib, "Maximum compression factor")."""


@dataclass(frozen=True)
class _Directory:
    begins: int
    size: int
    entries: int
    before: int
    """Bytes in front of the archive, which its offsets do not count."""


def zip_members(file: Read, counts: Counts) -> Iterator[Found]:
    """The files of a zip in the order of its directory. Raises ArchiveError, where nothing is to be believed."""
    directory = _directory(file)
    file.seek(directory.begins)
    left, entries = directory.size, 0
    while left > 0:
        head = _exactly(file, _ENTRY.size)
        if not head.startswith(b"PK\x01\x02"):
            raise ArchiveError(MemberFault.DIRECTORY)
        fields = _ENTRY.unpack(head)
        lengths = fields[10:13]
        tail = _exactly(file, sum(lengths))
        left, entries = left - _ENTRY.size - len(tail), entries + 1
        found = _found(fields, tail, directory, counts)
        if found is not None:
            yield found
    # Writers without zip64 count no further than 65,535 and begin anew.
    if left or (entries ^ directory.entries) & _MAX_16:
        raise ArchiveError(MemberFault.DIRECTORY)


def _exactly(file: Read, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise ArchiveError(MemberFault.DIRECTORY)
    return data


def _directory(file: Read) -> _Directory:
    whole = file.seek(0, SEEK_END)
    start = max(0, whole - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(whole - start)
    at = _last_end(tail)
    if at is None:
        raise ArchiveError(MemberFault.NO_DIRECTORY)
    _, disk, first_disk, _, entries, size, offset, _ = _END.unpack_from(tail, at)
    end = start + at
    if (disk, first_disk) not in ((0, 0), (_MAX_16, _MAX_16)):
        raise ArchiveError(MemberFault.SPLIT)
    if _MAX_16 in (entries, disk) or _MAX_32 in (size, offset):
        end, entries, size, offset = _zip64(file, end) or (end, entries, size, offset)
    before = end - size - offset
    if before < 0:
        raise ArchiveError(MemberFault.DIRECTORY)
    return _Directory(end - size, size, entries, before)


def _last_end(tail: bytes) -> int | None:
    """Where the end record lies: the last one whose comment reaches to the end of the file."""
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[7] == len(tail):
            return at
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return None


def _zip64(file: Read, end: int) -> tuple[int, int, int, int] | None:
    """Where the zip64 end record begins, entries, size and offset of the directory; None where there is none."""
    if end < _LOCATOR_64.size:
        return None
    file.seek(end - _LOCATOR_64.size)
    mark, disk, _, disks = _LOCATOR_64.unpack(_exactly(file, _LOCATOR_64.size))
    if mark != b"PK\x06\x07":
        return None
    if disk or disks > 1:
        raise ArchiveError(MemberFault.SPLIT)
    # Directly before its locator, as zipfile expects it: where bytes lie in front, the offset in the locator is wrong.
    begins = end - _LOCATOR_64.size - _END_64.size
    if begins < 0:
        raise ArchiveError(MemberFault.DIRECTORY)
    file.seek(begins)
    fields = _END_64.unpack(_exactly(file, _END_64.size))
    if fields[0] != b"PK\x06\x06":
        raise ArchiveError(MemberFault.DIRECTORY)
    return begins, fields[7], fields[8], fields[9]


def _found(fields: tuple[bytes | int, ...], tail: bytes, directory: _Directory, counts: Counts) -> Found | None:
    (_, made_by, _, flags, method, _, _, crc, stored, size, named, extra, _, _, _, outside, offset) = map(_int, fields)
    name = zip_name(tail[:named], is_utf8=bool(flags & _UTF_8))
    reason = FOLDERS if name.endswith("/") else passed_over(name)
    if reason is not None:
        counts[reason] += 1
        return None
    size, stored, offset = _large(tail[named : named + extra], size, stored, offset)
    is_link = made_by >> 8 == _UNIX and stat.S_ISLNK(outside >> 16)
    place = Place("zip", offset + directory.before, stored, size, method, crc)
    ends = place.offset + _LOCAL_HEADER + named + stored
    fault = _fault(name, flags, place, ends > directory.begins, is_link=is_link)
    # What is wrong may say any number; what is right ends before the directory begins.
    return (
        Found(name, place, size, place.offset, ends) if fault is None else Found(name, fault, 0, *spanned(place, ends))
    )


def _int(value: bytes | int) -> int:
    return value if isinstance(value, int) else 0


def _large(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Size, stored size and offset, those from the zip64 field that the entry has no room for (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 0x0001:
            field = extra[at + 4 : at + 4 + length]
            given = iter(struct.unpack_from(f"<{len(field) // 8}Q", field))
            try:
                size, stored, offset = (next(given) if value == _MAX_32 else value for value in values)
            except (StopIteration, RuntimeError):
                raise ArchiveError(MemberFault.DIRECTORY) from None
            return size, stored, offset
        at += 4 + length
    size, stored, offset = values
    return size, stored, offset


def _fault(name: str, flags: int, place: Place, beyond: bool, *, is_link: bool) -> MemberFault | None:
    """Why this member is not read, by its entry alone."""
    if leads_outside(name):
        return MemberFault.OUTSIDE
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        return MemberFault.ENCRYPTED
    if is_link:
        return MemberFault.LINK
    if place.method not in (STORED, DEFLATED) or flags & _PATCH:
        return MemberFault.METHOD
    if archive_kind(name) is not None:
        return MemberFault.NESTED
    exact = place.stored == place.size if place.method == STORED else place.size <= _DEFLATE_AT_MOST * place.stored
    return MemberFault.SIZES if beyond or not exact else None
