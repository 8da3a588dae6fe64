from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.storage import open_store
from workers.reading.lines import BLOCK, blocks, lines


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(st.binary(max_size=60).map(lambda data: data.replace(b"\x00", b"\n")), st.integers(1, 20))
def test_lines_are_those_of_the_whole_whatever_the_blocks(data: bytes, size: int) -> None:
    found = list(lines(pieces(data, size), limit=1000))
    assert b"".join(line.data or b"" for line in found) == data
    assert all((line.data or b"").count(b"\n") <= 1 for line in found)
    assert all((line.data or b"").endswith(b"\n") for line in found[:-1])
    assert [line.start for line in found] == [sum(line.size or 0 for line in found[:n]) for n in range(len(found))]
    assert [line.number for line in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_of_a_line_longer_than_the_limit_only_its_size_is_told(size: int) -> None:
    found = list(lines(pieces(b"ab\n12345678\ncd", size), limit=5))
    assert [(line.start, line.size, line.data) for line in found] == [(0, 3, b"ab\n"), (3, 9, None), (12, 2, b"cd")]


def test_a_line_as_long_as_the_limit_is_held() -> None:
    assert [line.data for line in lines(iter([b"1234\n"]), limit=5)] == [b"1234\n"]


def test_where_a_file_is_damaged_the_last_line_says_so(tmp_path: Path) -> None:
    packed = gzip.compress(b"one\ntwo\nthree", 0)
    (tmp_path / "x.gz").write_bytes(packed[:-6])
    store = open_store(str(tmp_path))
    found = list(lines(blocks(store, "x.gz", len(packed) - 6, None), 100))
    assert [line.data for line in found] == [b"one\n", b"two\n", None]
    assert (found[-1].start, found[-1].size) == (8, None)
    assert found[-1].damage is not None


def test_blocks_start_where_they_are_asked_to(tmp_path: Path) -> None:
    body = bytes(range(256)) * (BLOCK // 256 + 1)
    (tmp_path / "x").write_bytes(body)
    found = list(blocks(open_store(str(tmp_path)), "x", len(body), None, start=5))
    assert b"".join(found) == body[5:]
    assert max(map(len, found)) == BLOCK
