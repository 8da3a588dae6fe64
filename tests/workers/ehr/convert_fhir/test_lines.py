from __future__ import annotations

import gzip
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.status import Status
from workers.ehr.convert_fhir.lines import lines_of_gzip, lines_of_range
from workers.ehr.fhir.line import Line


def cut(body: bytes, chunk: int, max_line: int = 1000) -> list[Line]:
    """All lines of a file that is read in chunks."""
    starts = range(0, len(body), chunk)
    fetch = lambda start, length: body[start : start + length]  # noqa: E731
    return [line for start in starts for line in lines_of_range(fetch, start, min(start + chunk, len(body)), max_line)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"x"))), st.booleans(), st.integers(1, 30))
def test_lines_are_the_same_however_a_file_is_cut(lines: list[bytes], ends: bool, chunk: int) -> None:
    body = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    assert [line.data for line in cut(body, chunk)] == [line.removesuffix(b"\r") for line in whole(body)]
    assert cut(body, chunk) == cut(body, len(body) + 1)


def whole(body: bytes) -> list[bytes]:
    """What `wc -l` counts, and a last line without an end."""
    lines = body.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


@pytest.mark.parametrize("chunk", [3, 7, 100])
def test_a_line_that_is_too_long_is_one_record_and_its_neighbours_are_kept(chunk: int) -> None:
    found = cut(b"one\n" + b"x" * 50 + b"\ntwo\n", chunk, max_line=20)
    assert [line.data for line in found] == [b"one", b"", b"two"]
    assert [line.trouble for line in found] == [None, Status.TOO_LARGE, None]


def gunzip(body: bytes, max_line: int = 1 << 20, max_inflated: int = 1 << 30) -> list[Line]:
    return list(lines_of_gzip(io.BufferedReader(io.BytesIO(body)), max_line, max_inflated))


def test_a_gzipped_file_of_several_members_is_read_whole() -> None:
    body = gzip.compress(b"one\ntw") + gzip.compress(b"") + gzip.compress(b"o\r\nthree") + b"\0" * (3 << 20)
    assert [(line.position, line.data) for line in gunzip(body)] == [(0, b"one"), (4, b"two"), (9, b"three")]


def test_what_is_behind_a_gzipped_file_is_told() -> None:
    found = gunzip(gzip.compress(b"one\n") + b"no gzip")
    assert [(line.data, line.trouble) for line in found] == [(b"one", None), (b"", Status.UNREADABLE)]


@pytest.mark.parametrize("kept", [5, 60, 400, -1])
def test_a_gzipped_file_that_ends_early_keeps_its_whole_lines(kept: int) -> None:
    lines = [f"{number:x} {number * 7919 % 10007}".encode() for number in range(200)]
    found = gunzip(gzip.compress(b"\n".join(lines))[:kept])
    assert found[-1].trouble == Status.UNREADABLE
    assert found[-1].reason == "the gzipped file ends early"
    assert [line.data for line in found[:-1]] == lines[: len(found) - 1]


def test_what_lies_before_a_damage_is_kept() -> None:
    lines = [f"{number:x} {number * 7919 % 10007}".encode() for number in range(50_000)]
    body = bytearray(gzip.compress(b"\n".join(lines)))
    body[len(body) // 2 : len(body) // 2 + 2000] = b"\xff" * 2000
    found = gunzip(bytes(body))
    kept = [line.data for line in found if line.trouble is None]
    assert found[-1].reason == "the gzipped file is damaged from here on"
    assert len(kept) > 20_000
    assert kept[:20_000] == lines[:20_000]


def test_a_bomb_is_one_record_and_takes_little_memory() -> None:
    body = gzip.compress(b"one\n" + b"0" * (64 << 20) + b"\ntwo\n")
    tracemalloc.start()
    found = gunzip(body, max_line=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(line.data, line.trouble) for line in found] == [(b"one", None), (b"", Status.TOO_LARGE), (b"two", None)]
    assert peak < 16 << 20
    cut_off = gunzip(body, max_line=1 << 20, max_inflated=32 << 20)
    assert [line.trouble for line in cut_off] == [None, Status.TOO_LARGE]
