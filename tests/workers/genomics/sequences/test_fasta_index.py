from __future__ import annotations

import struct
from pathlib import Path

import pysam
import pytest

from schemas.errors import SpecError
from tests.support.variants import random_bases, write_fasta
from workers.genomics.sequences.fasta_index import Blocks, Contig, make_fai, read_fai, read_gzi


def test_an_index_that_is_made_here_is_that_of_samtools(tmp_path: Path) -> None:
    contigs = {"chr1": random_bases(205, 1), "short": "ACG", "exact": random_bases(120, 2)}
    path = write_fasta(tmp_path / "ref.fa", contigs, width=60)
    known = read_fai(Path(f"{path}.fai").read_bytes())
    with path.open("rb") as file:
        assert make_fai(file) == known
    assert list(known) == list(contigs)
    body = path.read_bytes()
    for name, bases in contigs.items():
        assert all(body[known[name].byte(at)] == ord(base) for at, base in enumerate(bases))


def test_windows_line_ends_count_as_bytes_and_not_as_bases() -> None:
    assert make_fai([b">a\r\n", b"ACGT\r\n", b"AC\r\n"]) == {"a": Contig(6, 4, 4, 6)}


@pytest.mark.parametrize(
    "lines",
    [[b">a\n", b"AC\n", b"ACGT\n"], [b">a\n", b"AC\n", b"A\n", b"AC\n"], [b">a\n", b"AC\n", b"\n", b"AC\n"]],
    ids=["longer", "shorter-inside", "empty-inside"],
)
def test_lines_of_unequal_length_have_no_index(lines: list[bytes]) -> None:
    with pytest.raises(SpecError, match="lines of unequal length"):
        make_fai(lines)


def test_empty_lines_at_the_end_and_empty_contigs_are_fine() -> None:
    found = make_fai([b">a x\n", b"ACGT\n", b"\n", b">b\n", b">c\n", b"A\n"])
    assert {name: contig.length for name, contig in found.items()} == {"a": 4, "b": 0, "c": 1}


@pytest.mark.parametrize(("lines", "wrong"), [([], "holds no sequence"), ([b"ACGT\n"], "does not begin with '>'")])
def test_what_is_no_fasta_is_refused(lines: list[bytes], wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        make_fai(lines)


@pytest.mark.parametrize("line", ["a\t4\t3\t0\t5", "a\t4\t3\t4\t3", "a\t-1\t3\t4\t5", "a\t4\t3", "a\tx\t3\t4\t5"])
def test_a_line_of_an_index_that_cannot_be_is_named(line: str) -> None:
    with pytest.raises(SpecError, match=r"line 2 of the \.fai"):
        read_fai(f"ok\t4\t3\t4\t5\n{line}\n".encode())
    with pytest.raises(SpecError, match="names no contig"):
        read_fai(b"")


def test_blocks_cover_a_range_and_no_more() -> None:
    blocks = Blocks((0, 100, 250), (0, 1000, 2000))
    assert blocks.covering(0, 1000) == (0, 100, 0)
    assert blocks.covering(999, 1001) == (0, 250, 0)
    assert blocks.covering(1000, 1001) == (100, 250, 1000)
    assert blocks.covering(2500, 2600) == (250, None, 2000)
    assert blocks.covering(5, 5) == (0, 100, 0)


def test_the_index_of_bgzip_is_read_and_its_damage_told(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "ref.fa", {"a": random_bases(200_000, 3)})
    pysam.tabix_compress(str(path), f"{path}.gz")
    pysam.faidx(f"{path}.gz")
    body = Path(f"{path}.gz.gzi").read_bytes()
    blocks = read_gzi(body)
    assert blocks.stored[0] == blocks.inflated[0] == 0
    assert len(blocks.stored) > 2
    backwards = struct.pack("<Q4Q", 2, 50, 100, 40, 200)
    for damaged in (body[:-1], b"", backwards):
        with pytest.raises(SpecError, match="is damaged"):
            read_gzi(damaged)
