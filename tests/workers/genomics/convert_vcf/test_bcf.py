from __future__ import annotations

import gzip
import struct

import pysam.bcftools
import pytest

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


def test_where_lengths_are_lost_one_line_stands_for_the_rest(parts: tuple[bytes, list[bytes]]) -> None:
    header, records = parts
    long = struct.pack("<II", 1 << 30, 0) + records[1][8:]
    first, rest = lines([Piece(records[0] + long + records[2])], header)
    assert first.trouble is None
    assert rest.trouble is not None
    assert rest.trouble[0] == Status.TOO_LARGE
    cut = lines([Piece(records[0] + records[1][:-3])], header)
    assert [line.trouble for line in cut] == [None, Fault(Status.UNREADABLE, "the file ends within a record")]


def test_damage_of_the_compression_keeps_what_came_before(parts: tuple[bytes, list[bytes]]) -> None:
    header, records = parts
    found = lines([Piece(records[0]), Piece(b"", trouble=Fault(Status.UNREADABLE, "x")), Piece(records[1])], header)
    assert [line.trouble is None for line in found] == [True, False]
