"""Lines of a file that is cut into chunks: each is in exactly one, wherever the cuts are."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.status import Status
from tests.support.bgzf import bgzf, one_block
from workers.genomics.convert_vcf.bgzf import blocks
from workers.genomics.convert_vcf.lines import Line, Piece, bgzf_pieces, gzip_pieces, lines_of, text_pieces

Fetch = Callable[[int, int], bytes]
MIB = 1 << 20


def fetch_of(body: bytes) -> Fetch:
    return lambda start, length: body[start : start + length]


def lines_by_chunks(body: bytes, step: int, pieces: Callable[[Fetch, int, int], object]) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(body), step):
        part = pieces(fetch_of(body), start, min(start + step, len(body)))
        lines = list(lines_of(part, from_start=start == 0, max_line=MIB))
        assert all(line.trouble is None for line in lines)
        found += [line.data for line in lines]
    return found


def blocked(fetch: Fetch, start: int, stop: int) -> object:
    return bgzf_pieces(blocks(fetch, start), stop)


TEXTS = st.lists(st.binary(max_size=12).map(lambda part: part.replace(b"\n", b"").replace(b"\r", b"")), max_size=12)


@given(lines=TEXTS, last=st.booleans(), step=st.integers(1, 40))
def test_each_line_of_text_is_in_one_chunk(lines: list[bytes], last: bool, step: int) -> None:
    body = b"\n".join(lines) + (b"\n" if last and lines else b"")
    assert lines_by_chunks(body, step, text_pieces) == body.removesuffix(b"\n").split(b"\n")[: len(body)]


@given(lines=TEXTS, step=st.integers(1, 90), block=st.integers(1, 30))
def test_each_line_of_blocks_is_in_one_chunk(lines: list[bytes], step: int, block: int) -> None:
    text = b"".join(line + b"\n" for line in lines)
    assert lines_by_chunks(bgzf(text, block), step, blocked) == lines


def test_blocks_are_those_that_bgzip_writes(tmp_path: object) -> None:
    text = b"".join(b"line %d\n" % number for number in range(40_000))
    path = f"{tmp_path}/text"
    with open(path, "wb") as file:
        file.write(text)
    pysam.tabix_compress(path, f"{path}.gz")
    with open(f"{path}.gz", "rb") as file:
        body = file.read()
    assert b"".join(block.data or b"" for block in blocks(fetch_of(body), 0)) == text
    assert lines_by_chunks(body, 20_000, blocked) == text.splitlines()


@pytest.mark.parametrize("spoil", ["header", "data", "checksum"])
def test_damage_in_a_block_loses_its_lines_and_no_others_and_is_told(spoil: str) -> None:
    parts = [one_block(b"%d\n" % number * 3) for number in range(9)]
    at = {"header": 0, "data": 19, "checksum": len(parts[4]) - 8}[spoil]
    damaged = parts[4][:at] + bytes([parts[4][at] ^ 0x55]) + parts[4][at + 1 :]
    body = b"".join([*parts[:4], damaged, *parts[5:]])
    found = list(lines_of(bgzf_pieces(blocks(fetch_of(body), 0), len(body)), from_start=True, max_line=MIB))
    assert [line.trouble[0] for line in found if line.trouble] == [Status.UNREADABLE]
    # After damage nobody knows where a line begins: the rest up to the next line end is part of what was lost.
    kept = [line.data for line in found if not line.trouble]
    assert kept == [b"0"] * 3 + [b"1"] * 3 + [b"2"] * 3 + [b"3"] * 3 + [b"5"] * 2 + [b"6"] * 3 + [b"7"] * 3 + [b"8"] * 3


def test_a_file_that_ends_within_a_block_says_so() -> None:
    body = bgzf(b"one\ntwo\n", 4, end=b"")[:-3]
    found = list(lines_of(bgzf_pieces(blocks(fetch_of(body), 0), len(body)), from_start=True, max_line=MIB))
    assert [line.data for line in found] == [b"one", b""]
    assert found[1].trouble is not None


def test_a_line_that_is_too_long_is_a_line_with_trouble() -> None:
    body = b"short\n" + b"x" * 100 + b"\nlast"
    found = list(lines_of(text_pieces(fetch_of(body), 0, 3), from_start=True, max_line=50))
    assert [line.data for line in found] == [b"short"]
    found = list(lines_of([Piece(body)], from_start=True, max_line=50))
    assert [line.data for line in found] == [b"short", b"", b"last"]
    assert found[1].trouble == (Status.TOO_LARGE, "longer than 50 bytes")


def test_a_gzipped_file_is_read_as_a_stream_and_no_further_than_allowed() -> None:
    body = gzip.compress(b"one\r\ntwo\n" * 10)
    found = list(lines_of(gzip_pieces(io.BufferedReader(io.BytesIO(body)), MIB), from_start=True, max_line=MIB))
    assert found == [Line(b"one"), Line(b"two")] * 10
    bomb = list(lines_of(gzip_pieces(io.BufferedReader(io.BytesIO(body)), 20), from_start=True, max_line=MIB))
    assert [line.trouble[0] for line in bomb if line.trouble] == [Status.TOO_LARGE]


@given(body=st.binary(max_size=300), start=st.integers(0, 50))
def test_bytes_that_are_no_blocks_are_damage_and_never_an_error(body: bytes, start: int) -> None:
    found = list(blocks(fetch_of(body), start))
    assert all(block.data is None for block in found)
