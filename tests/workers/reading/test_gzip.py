"""What a gzip file holds comes out whole, in bounded memory, up to the damage; and why no more is said."""

from __future__ import annotations

import gzip
import pickle
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.status import Status
from workers.reading.gzip import PIECE, RAW_DEFLATE, Fault, InflationError, inflate_member, inflate_start, inflated

LINES = b"".join(b"%x %d\n" % (number, number * 7919 % 10007) for number in range(400))
STORED = gzip.compress(LINES, mtime=0)


def read(stored: bytes, block: int = 1 << 20, limit: int | None = None) -> tuple[bytes, Fault | None]:
    parts: list[bytes] = []
    try:
        for piece in inflated(blocks(stored, block), limit):
            assert 0 < len(piece) <= PIECE
            parts.append(piece)
    except InflationError as error:
        return b"".join(parts), error.fault
    return b"".join(parts), None


def blocks(stored: bytes, size: int) -> Iterator[bytes]:
    return iter([stored[at : at + size] for at in range(0, len(stored), size)])


def surely(prefix: bytes) -> bytes:
    """What zlib makes of the bytes before a damage."""
    return zlib.decompressobj(31).decompress(prefix)


@given(
    st.lists(st.tuples(st.binary(max_size=200), st.integers(0, 20)), min_size=1, max_size=6),
    st.integers(1, 300),
)
@settings(max_examples=200, deadline=None)
def test_members_with_zeros_between_are_one_content_in_whatever_blocks_they_come(
    members: list[tuple[bytes, int]], block: int
) -> None:
    stored = b"".join(gzip.compress(content) + bytes(zeros) for content, zeros in members)
    assert read(stored, block) == (b"".join(content for content, _ in members), None)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("kept", [1, 9, 12, 400, -8, -1])
def test_a_file_that_ends_early_gives_what_is_there_and_says_so(kept: int, block: int) -> None:
    assert read(STORED[:kept], block) == (surely(STORED[:kept]), Fault.CUT_OFF)
    assert read(STORED + STORED[:kept], block) == (LINES + surely(STORED[:kept]), Fault.CUT_OFF)


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_what_stands_behind_the_stream_is_told_once_all_of_the_stream_came_out(block: int) -> None:
    for padding in (0, 100):
        assert read(STORED + bytes(padding) + b"more lines\n", block) == (LINES, Fault.BEHIND)


@given(st.integers(12, len(STORED) - 1), st.integers(1, 255), st.sampled_from([1, 100, 1 << 20]))
@settings(max_examples=300, deadline=None)
@example(place=len(STORED) - 1, flipped=1, block=1 << 20)
def test_all_that_stands_before_a_damage_comes_out(place: int, flipped: int, block: int) -> None:
    damaged = bytearray(STORED)
    damaged[place] ^= flipped
    found, fault = read(bytes(damaged), block)
    assert found.startswith(surely(STORED[:place]))
    assert fault is not None or found == LINES


def test_a_bomb_takes_little_memory_and_ends_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    assert sum(len(piece) for piece in inflated([bomb])) == 64 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    found, fault = read(bomb, limit=10 << 20)
    assert (len(found), fault) == (10 << 20, Fault.TOO_LARGE)


def test_damage_within_a_bomb_takes_little_memory_too() -> None:
    bomb = bytearray(gzip.compress(bytes(64 << 20)))
    bomb[-5] ^= 1
    tracemalloc.start()
    with pytest.raises(InflationError):
        assert sum(len(piece) for piece in inflated([bytes(bomb)])) < 65 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("stored", [b"plain text\n", bytes(100), b"\x1f\x8bnothing of the kind"])
def test_what_is_no_gzip_is_damaged_from_its_start(stored: bytes) -> None:
    assert read(stored) == (b"", Fault.DAMAGED)


def test_an_empty_file_holds_nothing() -> None:
    assert read(b"") == (b"", None)


def test_one_member_is_checked_before_any_of_it_is_used() -> None:
    assert inflate_member(STORED + b"rest", len(LINES)) == (LINES, b"rest")
    for stored, limit, fault in (
        (STORED, len(LINES) - 1, Fault.TOO_LARGE),
        (STORED[:-1], 1 << 20, Fault.CUT_OFF),
        (STORED[:-8] + bytes(8), 1 << 20, Fault.DAMAGED),
    ):
        with pytest.raises(InflationError) as error:
            inflate_member(stored, limit)
        assert error.value.fault is fault


def test_the_start_of_a_stream_can_be_had_without_its_end() -> None:
    machine = zlib.compressobj(wbits=RAW_DEFLATE)
    deflated = machine.compress(LINES) + machine.flush()
    assert inflate_start(deflated[:200], 100) == LINES[:100]
    with pytest.raises(InflationError):
        inflate_start(b"\xff" * 100, 100)


def test_an_error_keeps_its_fault_between_processes() -> None:
    error = pickle.loads(pickle.dumps(InflationError(Fault.TOO_LARGE, 5)))
    assert (error.fault, error.status, error.detail) == (
        Fault.TOO_LARGE,
        Status.TOO_LARGE,
        "the file inflates to more than 5 bytes",
    )
