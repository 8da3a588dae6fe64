"""Encapsulated pixel data (PS3.5 A.4): its fragments, and which of them are which frame.

Offset tables are hints. They are not looked at where fragments can be told apart without, and not believed where an
entry is not the place of a fragment that begins a frame: many writers leave zeros, or count from elsewhere.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.codestream import begins_codestream

ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_HEAD = 8
_SIGNATURE_BYTES = 8


@dataclass(frozen=True)
class Fragments:
    """`spans` are the fragments' bytes from, to; `offsets` where their items begin, counted as the table counts.

    `table` is the basic offset table. `end` is where the sequence ends; where it is not `delimited`, as in a file that
    was cut off, that is the end of `data`.
    """

    data: memoryview
    spans: Sequence[tuple[int, int]]
    offsets: Sequence[int]
    table: Sequence[int]
    end: int
    delimited: bool

    def begins_frame(self, fragment: int) -> bool:
        """Whether the fragment begins a JPEG, JPEG-LS or JPEG 2000."""
        first, last = self.spans[fragment]
        return begins_codestream(bytes(self.data[first : min(last, first + _SIGNATURE_BYTES)]))

    def joined(self, fragments: range) -> bytes:
        """The bytes of these fragments."""
        return b"".join(self.data[slice(*self.spans[fragment])] for fragment in fragments)


def read_fragments(data: memoryview) -> Fragments:
    """The items from the start of the value on, up to the delimiter, the end or what is no item."""
    spans: list[tuple[int, int]] = []
    starts: list[int] = []
    at = 0
    while at + _HEAD <= len(data) and data[at : at + 4] == ITEM:
        length = struct.unpack_from("<I", data, at + 4)[0]
        starts.append(at)
        spans.append((at + _HEAD, min(at + _HEAD + length, len(data))))
        at += _HEAD + length
    delimited = data[at : at + 4] == _DELIMITER
    end = at + _HEAD if delimited else len(data)
    if not spans:
        return Fragments(data, [], [], [], end, delimited)
    first, last = spans[0]
    table = struct.unpack(f"<{(last - first) // 4}I", data[first : last - (last - first) % 4])
    return Fragments(data, spans[1:], [start - last for start in starts[1:]], table, end, delimited)


def frames_of(fragments: Fragments, frames: int, extended: Sequence[int]) -> Sequence[range]:
    """The fragments of each frame, of as many as there are: fewer than `frames` where the object is cut off.

    `extended` is the extended offset table, or empty. Raises RecordError (unreadable) where nothing tells which
    fragments belong together.
    """
    count = len(fragments.spans)
    if count == frames:
        return [range(fragment, fragment + 1) for fragment in range(count)]
    begins = [fragment for fragment in range(count) if fragments.begins_frame(fragment)]
    for table in (extended, fragments.table):
        firsts = _by_table(fragments, table, frames, frozenset(begins))
        if firsts:
            return _between(firsts, count)
    if begins and begins[0] == 0:
        return _between(begins, count)[:frames]
    if begins:
        raise RecordError(Status.UNREADABLE, "its first fragment does not begin a frame")
    if frames == 1:
        return [range(count)]
    # Where a frame has no signature (RLE, deflated) it is one fragment.
    return [range(fragment, fragment + 1) for fragment in range(min(count, frames))]


def _by_table(fragments: Fragments, table: Sequence[int], frames: int, begins: frozenset[int]) -> list[int]:
    """The first fragment of each frame, where the table can be believed; else nothing."""
    if len(table) != frames or not table or table[0] != 0:
        return []
    places = {offset: fragment for fragment, offset in enumerate(fragments.offsets)}
    firsts = [places.get(offset, -1) for offset in table]
    rising = all(before < after for before, after in pairwise(firsts))
    if -1 in firsts or not rising or (begins and not begins.issuperset(firsts)):
        return []
    return firsts


def _between(firsts: Sequence[int], count: int) -> list[range]:
    return [range(first, last) for first, last in zip(firsts, [*firsts[1:], count], strict=True)]
