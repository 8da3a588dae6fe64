"""What listing an archive finds, one member at a time, whatever the archive is."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from workers.reading.archives.places import MemberFault, Place

FOLDERS = "folders"
"""What entries of an archive that are folders are counted under."""
SPECIAL = "devices and pipes"
_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Found:
    """A file in an archive. `begins` and `ends` are the bytes of the archive that it takes, at least."""

    name: str
    place: Place | MemberFault
    size: int
    begins: int = 0
    ends: int = 0


def spanned(place: Place, ends: int) -> tuple[int, int]:
    """Where a member begins and ends, as far as 64 bits go: a header may say anything."""
    return min(place.offset, _LARGEST), min(ends, _LARGEST)


class ArchiveError(Exception):
    """The archive gives no more. What came before is whole where `partial` is true, and proves nothing else."""

    def __init__(self, fault: MemberFault, *, partial: bool = False) -> None:
        super().__init__(fault)
        self.fault = fault
        self.partial = partial


class Read(Protocol):
    """A seekable file."""

    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...


Counts = Counter[str]
"""What was passed over, by reason."""
