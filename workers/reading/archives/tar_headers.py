"""The headers of a tar in their order, by the standard library's tarfile, which knows ustar, pax, GNU and v7.

tarfile ends in silence at a header that makes no sense, reads as much for a long name as the header says, and follows
sizes that lead back. So it reads through a file that goes forward only, gives a header no more than a megabyte, and
keeps the last block, which tells how the archive ended.
"""

import tarfile
from collections.abc import Iterator
from typing import IO, cast

from workers.reading.archives.found import FOLDERS, SPECIAL, ArchiveError, Counts, Found, Read, spanned
from workers.reading.archives.names import ArchiveKind, archive_kind, leads_outside, passed_over, text_of
from workers.reading.archives.places import MemberFault, Place

_LONGEST_HEADER = 1 << 20
_LONGEST_NAME = 4096
"""PATH_MAX of Linux: names of a megabyte compress well, and are held some thousand at a time."""
_PIECE = 1 << 20
_BROKEN = (tarfile.TarError, ValueError, IndexError, KeyError, OverflowError, RecursionError)
"""What tarfile raises for headers that are none, pax records among them."""


def tar_members(file: Read, kind: ArchiveKind, counts: Counts) -> Iterator[Found]:
    """The files of a tar in its order, the last of which may end behind it. Raises ArchiveError behind all that came
    before the damage."""
    headers = _Headers(file)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], headers), mode="r:") as tar:
            for info in tar:
                # tarfile keeps every header that it has seen.
                tar.members.clear()  # type: ignore[attr-defined]  # not in typeshed
                found = _found(info, kind, counts)
                if found is not None:
                    yield found
    except _BROKEN:
        raise ArchiveError(_ended(headers.last) or MemberFault.HEADER, partial=True) from None
    if (fault := _ended(headers.last)) is not None:
        raise ArchiveError(fault, partial=True)
    while block := file.read(_PIECE):
        if block.count(0) != len(block):
            raise ArchiveError(MemberFault.BEHIND, partial=True)


def _ended(last: bytes) -> MemberFault | None:
    """What is wrong with how a tar ended, by the block that was read last."""
    if not last:
        return MemberFault.NO_END
    return MemberFault.HEADER if last.strip(b"\0") or len(last) != tarfile.BLOCKSIZE else None


def _found(info: tarfile.TarInfo, kind: ArchiveKind, counts: Counts) -> Found | None:
    name = text_of(info.name.encode("utf-8", "surrogateescape"))
    reason = passed_over(name)
    if not (info.isfile() or info.issym() or info.islnk()):
        reason = FOLDERS if info.isdir() else SPECIAL
    if reason is not None:
        counts[reason] += 1
        return None
    if len(name) > _LONGEST_NAME:
        raise ArchiveError(MemberFault.HEADER, partial=True)
    fault = _fault(name, info)
    if fault is not None:
        return Found(name, fault, 0)
    place = Place(kind, info.offset_data, info.size, info.size)
    _, ends = spanned(place, info.offset_data + info.size)
    return Found(name, place, min(info.size, ends), ends=ends)


def _fault(name: str, info: tarfile.TarInfo) -> MemberFault | None:
    if leads_outside(name):
        return MemberFault.OUTSIDE
    if info.issym() or info.islnk():
        return MemberFault.LINK
    if info.issparse():
        return MemberFault.SPARSE
    return MemberFault.NESTED if archive_kind(name) is not None else None


class _Headers:
    """A file for tarfile: forward only, no more at a time than a header may be long. `last` is what it read last."""

    def __init__(self, file: Read) -> None:
        self._file = file
        self._at = 0
        self.last = b""

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int) -> None:
        """Move forward. Raises tarfile.ReadError for a move back."""
        if offset < self._at:
            raise tarfile.ReadError("a size leads back")
        self._at = self._file.seek(offset)

    def read(self, size: int) -> bytes:
        """The next bytes. Raises tarfile.ReadError for more than a header has."""
        if not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        self.last = self._file.read(size)
        self._at += len(self.last)
        return self.last
