from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from itertools import pairwise

import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from schemas.status import Fault, Status
from tests.support.genotype_tables import HEADER, columns_of, vcf_line
from workers.genomics.convert_vcf.bcf import bcf_lines
from workers.genomics.convert_vcf.lines import Line, Piece

LINES = [vcf_line("chr1", pos, "A", "C", ["0/1", "1|1", "./."], id=f"rs{pos}") for pos in (5, 9, 12)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[bytes]]:
    """The header as it stands in a BCF of three records, and the records."""
    folder = tmp_path_factory.mktemp("bcf")
    (folder / "in.vcf").write_text(HEADER + columns_of(["p", "q", "r"]) + "".join(LINES))
    pysam.bcftools.view("-Ob", "-o", str(folder / "in.bcf"), str(folder / "in.vcf"), catch_stdout=False)
    body = gzip.decompress((folder / "in.bcf").read_bytes())
    (length,) = struct.unpack_from("<I", body, 5)
    header, at, records = body[9 : 9 + length].rstrip(b"\0"), 9 + length, []
    while at < len(body):
        shared, individual = struct.unpack_from("<II", body, at)
        records.append(body[at : at + 8 + shared + individual])
        at += 8 + shared + individual
    return header, records


def lines(pieces: list[Piece], header: bytes, max_line: int = 1 << 20) -> list[Line]:
    return list(bcf_lines(pieces, header, max_line))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_records_are_the_lines_that_bcftools_makes_of_them_however_they_come(
    parts: tuple[bytes, list[bytes]], size: int
) -> None:
    header, records = parts
    body = b"".join(records)
    found = lines([Piece(body[at : at + size]) for at in range(0, len(body), size)], header)
    assert [line.data.decode() for line in found] == [text.rstrip("\n") for text in LINES]


def test_a_record_that_is_damaged_costs_itself_alone(parts: tuple[bytes, list[bytes]]) -> None:
    header, records = parts
    # Its contig is none of the header's.
    damaged = records[1][:8] + struct.pack("<i", 77) + records[1][12:]
    first, second, third = lines([Piece(records[0] + damaged + records[2])], header)
    assert (first.trouble, third.trouble) == (None, None)
    assert second.trouble == Fault(Status.UNREADABLE, "a record of BCF is damaged")


def test_behind_a_record_whose_length_is_none_the_next_one_is_found(parts: tuple[bytes, list[bytes]]) -> None:
    header, records = parts
    long = struct.pack("<II", 1 << 30, 0) + records[1][8:]
    first, lost, third = lines([Piece(records[0] + long + records[2])], header)
    assert (first.trouble, third.data) == (None, LINES[2].rstrip("\n").encode())
    assert lost.trouble is not None
    assert lost.trouble[0] == Status.TOO_LARGE
    cut = lines([Piece(records[0] + records[1][:-3])], header)
    assert [line.trouble for line in cut] == [None, Fault(Status.UNREADABLE, "the file ends within a record")]


def test_damage_of_the_compression_costs_what_lies_in_it(parts: tuple[bytes, list[bytes]]) -> None:
    header, records = parts
    damage = Piece(b"", trouble=Fault(Status.UNREADABLE, "x"))
    found = lines([Piece(records[0] + records[1][:20]), damage, Piece(records[1][30:] + records[2])], header)
    assert [line.trouble is None for line in found] == [True, False, True]
    assert found[2].data.decode() == LINES[2].rstrip("\n")


def chunked(body: bytes, header: bytes, cuts: Sequence[int], step: int) -> list[bytes]:
    """The lines of all chunks that begin at 0 and at `cuts`, whose pieces have `step` bytes."""
    found: list[bytes] = []
    edges = sorted({0, *cuts})
    for start, stop in zip(edges, [*edges[1:], len(body)], strict=True):
        marks = [*range(start, stop, step), *range(stop, len(body), step), len(body)]
        pieces = [Piece(body[at:end], at < stop) for at, end in pairwise(marks)]
        chunk = list(bcf_lines(pieces, header, 1 << 20, from_start=not start))
        assert all(line.trouble is None for line in chunk)
        found += [line.data for line in chunk]
    return found


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_however_a_file_is_cut_every_record_comes_once_and_in_order(
    parts: tuple[bytes, list[bytes]], data: st.DataObject
) -> None:
    header, records = parts
    order = data.draw(st.lists(st.integers(0, 2), max_size=14))
    body = b"".join(records[at] for at in order)
    cuts = data.draw(st.lists(st.integers(1, max(1, len(body) - 1)), max_size=5)) if body else []
    step = data.draw(st.integers(1, 200))
    assert chunked(body, header, cuts, step) == [LINES[at].rstrip("\n").encode() for at in order]


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_damaged_record_near_a_cut_is_one_line_wherever_that_is(parts: tuple[bytes, list[bytes]], cut: int) -> None:
    header, records = parts
    damaged = records[1][:8] + struct.pack("<i", 77) + records[1][12:]
    body = records[0] * 5 + damaged + records[2] * 5
    edges = [0, cut * len(body) // 9, len(body)]
    found: list[Line] = []
    for start, stop in pairwise(edges):
        marks = [*range(start, stop, 7), *range(stop, len(body), 7), len(body)]
        pieces = [Piece(body[at:end], at < stop) for at, end in pairwise(marks)]
        found += bcf_lines(pieces, header, 1 << 20, from_start=not start)
    assert [line.trouble is None for line in found] == [True] * 5 + [False] + [True] * 5


def test_a_chunk_that_the_next_one_does_not_follow_is_an_error(parts: tuple[bytes, list[bytes]]) -> None:
    """A record may hold what looks like records: here in its samples, of which the next chunk sees the second half."""
    header, records = parts
    inner = records[0] * 5
    shared, _ = struct.unpack_from("<II", records[1])
    outer = struct.pack("<II", shared, len(inner)) + records[1][8 : 8 + shared] + inner
    middle = 8 + shared
    pieces = [Piece(outer[:middle]), Piece(outer[middle:] + records[2] * 5, False)]
    with pytest.raises(SpecError, match=r"set input\.chunk_bytes to more than its size"):
        list(bcf_lines(pieces, header, 1 << 20))
