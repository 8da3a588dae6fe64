from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from schemas.errors import RecordError
from workers.images.decoding.encapsulated import frames_of, read_fragments

JPEG, REST = b"\xff\xd8\xff\xdb....", b"........"


def item(body: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body


def value(
    fragments: Sequence[bytes], table: Sequence[int] = (), end: bytes = b"\xfe\xff\xdd\xe0\0\0\0\0"
) -> memoryview:
    items = b"".join(item(fragment) for fragment in fragments)
    return memoryview(item(struct.pack(f"<{len(table)}I", *table)) + items + end)


def frames(data: memoryview, count: int, extended: Sequence[int] = ()) -> list[list[int]]:
    return [list(fragments) for fragments in frames_of(read_fragments(data), count, extended)]


@pytest.mark.parametrize("table", [(), (0, 0, 0), (0, 0, 32), (8, 24, 40), (0, 16, 32), (0, 16)])
def test_as_many_fragments_as_frames_need_no_table(table: Sequence[int]) -> None:
    assert frames(value([JPEG] * 3, table), 3) == [[0], [1], [2]]


@pytest.mark.parametrize("table", [(), (0, 0), (0, 16), (0, 48), (0, 32)])
def test_without_a_table_that_is_right_frames_begin_where_a_codestream_begins(table: Sequence[int]) -> None:
    assert frames(value([JPEG, REST, JPEG, REST], table), 2) == [[0, 1], [2, 3]]


def test_a_table_tells_frames_without_a_signature_apart() -> None:
    data = value([REST, REST, REST], (0, 16))
    assert frames(data, 2) == [[0], [1, 2]]
    assert frames(value([REST] * 3), 2, extended=(0, 32)) == [[0, 1], [2]]


def test_an_extended_table_that_is_right_wins_over_a_basic_one() -> None:
    assert frames(value([REST] * 3, (0, 16)), 2, extended=(0, 32)) == [[0, 1], [2]]
    assert frames(value([REST] * 3, (0, 16)), 2, extended=(0, 0)) == [[0], [1, 2]]


def test_one_frame_is_all_fragments_up_to_the_next_codestream() -> None:
    assert frames(value([REST] * 3), 1) == [[0, 1, 2]]
    assert frames(value([JPEG, REST, REST]), 1) == [[0, 1, 2]]
    assert frames(value([JPEG, REST, JPEG]), 1) == [[0, 1]]


def test_frames_beyond_the_count_are_none() -> None:
    assert frames(value([JPEG] * 4), 2) == [[0], [1]]
    assert frames(value([REST] * 4), 2) == [[0], [1]]


def test_an_object_that_was_cut_has_the_frames_that_are_left() -> None:
    cut = value([JPEG, REST, JPEG], end=b"")
    assert frames(cut, 4) == [[0, 1], [2]]
    assert not read_fragments(cut).delimited


def test_a_fragment_that_was_cut_ends_where_the_bytes_end() -> None:
    found = read_fragments(value([JPEG, REST], end=b"")[:-3])
    assert found.joined(range(2)) == JPEG + REST[:-3]
    assert (found.delimited, found.end) == (False, len(found.data))


def test_bytes_behind_the_delimiter_are_no_fragments() -> None:
    data = value([JPEG])
    found = read_fragments(memoryview(bytes(data) + item(JPEG)))
    assert (len(found.spans), found.end, found.delimited) == (1, len(data), True)


def test_a_first_fragment_that_begins_nothing_is_unreadable() -> None:
    with pytest.raises(RecordError, match="does not begin a frame"):
        frames(value([REST, JPEG, REST]), 2)


@pytest.mark.parametrize("data", [b"", b"\xfe\xff", b"no item at all"])
def test_what_is_no_item_holds_nothing(data: bytes) -> None:
    assert list(read_fragments(memoryview(data)).spans) == []
