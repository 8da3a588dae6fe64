"""Where a member lies, or why it cannot be read, as a part of its version: what a plan has of it is all a reader needs.

The version of a member is that of its archive, `!`, and its place: `9f86d081!zip:1024,530,1200,8,3610a686`. An archive
that is replaced has another version, and its members with it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, cast

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.reading.archives.names import ArchiveKind

STORED, DEFLATED = 0, 8
_PLACE = re.compile(r"(.*)!(zip|tar|tgz):(\d+),(\d+),(\d+),(\d+),([0-9a-f]{8})", re.DOTALL)


class MemberFault(StrEnum):
    """Why a member, or an archive as a whole, gives no object."""

    ENCRYPTED = "encrypted"
    METHOD = "method"
    LINK = "link"
    SPARSE = "sparse"
    NESTED = "nested"
    OUTSIDE = "outside"
    OVERLAPS = "overlaps"
    DIFFERENT = "different"
    SIZES = "sizes"
    CUT_OFF = "cut_off"
    NO_DIRECTORY = "no_directory"
    DIRECTORY = "directory"
    SPLIT = "split"
    HEADER = "header"
    NO_END = "no_end"
    BEHIND = "behind"
    GZIP = "gzip"
    INFLATES = "inflates"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"

    @property
    def fault(self) -> Fault:
        """The status of its row, and why."""
        return _WHY[self]


def _unreadable(why: str) -> Fault:
    return Fault(Status.UNREADABLE, why)


def _unsupported(why: str) -> Fault:
    return Fault(Status.UNSUPPORTED, why)


_WHY = {
    MemberFault.ENCRYPTED: _unsupported("it is encrypted in its archive: pack it again without a password"),
    MemberFault.METHOD: _unsupported("its archive compresses it by another method than deflate: pack it again"),
    MemberFault.LINK: _unsupported("it is a link in its archive, and links are not followed there"),
    MemberFault.SPARSE: _unsupported("it is a sparse file of a tar: pack it again without --sparse"),
    MemberFault.NESTED: _unsupported("it is an archive in an archive: unpack the outer one"),
    MemberFault.OUTSIDE: _unsupported("its name in the archive is absolute or has .. in it: pack it again"),
    MemberFault.OVERLAPS: _unreadable("it shares bytes with another member of its archive"),
    MemberFault.DIFFERENT: _unreadable("its archive has several members of this name, and they differ"),
    MemberFault.SIZES: _unreadable("its archive names sizes for it that cannot be"),
    MemberFault.CUT_OFF: _unreadable("its archive ends before it does"),
    MemberFault.NO_DIRECTORY: _unreadable("the zip has no central directory at its end: it is cut off, or no zip"),
    MemberFault.DIRECTORY: _unreadable("the central directory of the zip is damaged"),
    MemberFault.SPLIT: _unsupported("a part of a zip that was split over several files: join them"),
    MemberFault.HEADER: _unreadable("a header of the tar is damaged, or it is no tar: no member behind it is known"),
    MemberFault.NO_END: _unreadable("the tar ends without its end mark: it may be cut off"),
    MemberFault.BEHIND: _unreadable("something lies behind the end mark of the tar: unpack it with tar -i"),
    MemberFault.GZIP: _unreadable("the gzip around the tar is cut off or damaged"),
    MemberFault.INFLATES: Fault(
        Status.TOO_LARGE,
        "the tar inflates to more than input.max_inflated bytes: raise that, or store a .tar or .zip",
    ),
    MemberFault.ABSENT: Fault(Status.MISSING, "its archive has no member of this name"),
    MemberFault.FORBIDDEN: Fault(Status.FORBIDDEN, "the store refuses it to these credentials"),
}


_FAULT = re.compile(rf".*!fault:({'|'.join(MemberFault)})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member's bytes lie: `stored` bytes from `offset`, of which `size` come out.

    `offset` is that of the local header in a zip, of the bytes themselves in a tar, inflated where that is compressed.
    `method` (0 stored, 8 deflated) and `crc` are of a zip.
    """

    kind: ArchiveKind
    offset: int
    stored: int
    size: int
    method: int = STORED
    crc: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.offset},{self.stored},{self.size},{self.method},{self.crc:08x}"


class MemberVersion(NamedTuple):
    """The version of an archive, and where a member lies in it."""

    archive: str
    place: Place


def version_of(archive: str, place: Place | MemberFault | str) -> str:
    """The version of a member; of an archive that gives none the version with the reason."""
    return f"{archive}!{f'fault:{place.value}' if isinstance(place, MemberFault) else place}"


def read_version(version: str) -> MemberVersion | None:
    """The parts of it; None where it is not that of a member. Raises RecordError where it says why there is none."""
    if (found := _FAULT.fullmatch(version)) is not None:
        raise RecordError(*MemberFault(found[1]).fault)
    if (found := _PLACE.fullmatch(version)) is None:
        return None
    offset, stored, size, method = map(int, found.group(3, 4, 5, 6))
    kind = cast(ArchiveKind, found[2])
    return MemberVersion(found[1], Place(kind, offset, stored, size, method, int(found[7], 16)))
