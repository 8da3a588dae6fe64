"""The reference is read as samtools reads it, by ranges, from plain and from bgzip files."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pysam
import pytest

from cluster.storage import ObjectChanged, StorageSettings, open_store
from schemas.errors import RecordError, SpecError
from tests.support.seaweed import S3
from tests.support.variants import random_bases, write_fasta
from workers.genomics.sequences.fasta import Reference

CONTIGS = {"chr1": random_bases(200_000, 1, "ACGTacgtNRy"), "chr2": random_bases(61, 2), "chrM": "ACGT", "odd": "acg"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fasta(tmp_path_factory.mktemp("fasta") / "ref.fa", CONTIGS)


@pytest.fixture(scope="module")
def packed(plain: Path) -> Path:
    path = plain.with_suffix(".fa.gz")
    pysam.tabix_compress(str(plain), str(path))
    pysam.faidx(str(path))
    return path


def opened(path: Path) -> Reference:
    return Reference(path.as_uri(), StorageSettings())


@pytest.mark.parametrize("kind", ["plain", "packed"])
def test_any_range_is_what_samtools_gives_and_n_beyond_the_contig(kind: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(kind)
    reference, oracle = opened(path), pysam.FastaFile(str(path))
    chance = np.random.default_rng(0)
    for name, bases in CONTIGS.items():
        starts = chance.integers(-30, len(bases) + 30, 60)
        ranges = [
            (int(start), int(start + size)) for start, size in zip(starts, chance.integers(1, 300, 60), strict=False)
        ]
        for (a, b), found in zip(ranges, reference.fetch(name, ranges), strict=True):
            inside = oracle.fetch(name, min(max(a, 0), len(bases)), max(min(b, len(bases)), 0)).upper()
            wanted = "N" * min(b - a, max(0, -a)) + inside
            assert found.tobytes().decode() == wanted + "N" * (b - a - len(wanted))


def test_the_reference_is_read_from_s3_too(packed: Path, s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    for ending in ("", ".fai", ".gzi"):
        store.put(packed.name + ending, Path(f"{packed}{ending}").read_bytes(), {})
    found = Reference(f"{bucket_prefix}/{packed.name}", s3.settings).fetch("chr1", [(99_990, 100_010)])
    assert found[0].tobytes().decode() == CONTIGS["chr1"][99_990:100_010].upper()


def test_without_an_index_a_small_file_is_indexed_as_samtools_does(plain: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(plain, tmp_path / "bare.fa"))
    assert dict(opened(bare).contigs) == dict(opened(plain).contigs)


def test_line_breaks_of_windows_are_no_bases(tmp_path: Path) -> None:
    path = tmp_path / "dos.fa"
    path.write_bytes(b">a x\r\nACGT\r\nACGT\r\nAC\r\n>b\r\nTTTT\r\n")
    reference = opened(path)
    assert [found.tobytes() for found in reference.fetch("a", [(0, 10), (3, 6)])] == [b"ACGTACGTAC", b"TAC"]
    assert reference.fetch("b", [(1, 5)])[0].tobytes() == b"TTTN"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b">a\nACGT\nAC\nACGT\n", "lines of unequal length"),
        (b">a\nAC\nACGT\n", "lines of unequal length"),
        (b"ACGT\n", "it is no FASTA"),
        (b"", "holds no sequence"),
    ],
)
def test_what_cannot_be_indexed_is_told(tmp_path: Path, body: bytes, told: str) -> None:
    (tmp_path / "bad.fa").write_bytes(body)
    with pytest.raises(SpecError, match=told):
        opened(tmp_path / "bad.fa")


def test_compressed_files_need_their_indexes(packed: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(packed, tmp_path / "bare.fa.gz"))
    with pytest.raises(SpecError, match=r"has no \.gzi beside it: compress it with bgzip"):
        opened(bare)
    shutil.copy(f"{packed}.gzi", f"{bare}.gzi")
    with pytest.raises(SpecError, match=r"has no \.fai beside it"):
        opened(bare)
    Path(f"{bare}.gzi").write_bytes(Path(f"{packed}.gzi").read_bytes()[:-3])
    with pytest.raises(SpecError, match=r"\.gzi of input.reference is damaged"):
        opened(bare)


def test_a_damaged_index_is_told_by_its_line(plain: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(plain, tmp_path / "bare.fa"))
    Path(f"{bare}.fai").write_text("chr1\t10\t6\t60\t61\nchr2\tx\t6\t60\t61\n")
    with pytest.raises(SpecError, match=r"line 2 of the \.fai"):
        opened(bare)


def test_an_index_of_another_file_is_found_out(plain: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(plain, tmp_path / "bare.fa"))
    Path(f"{bare}.fai").write_text("chr1\t200100\t16\t60\t61\n")
    with pytest.raises(RecordError, match="not what its index says"):
        opened(bare).fetch("chr1", [(199_990, 200_050)])


@pytest.mark.parametrize(
    "line",
    [
        "b\t{0}\t{1}\t60\t61",
        "b\t{0}\t{2}\t60\t61",
        "b\t{3}\t{4}\t60\t61",
        "b\t{0}\t{4}\t50\t51",
        "b\t{0}\t999999\t60\t61",
        "c\t{0}\t{4}\t60\t61",
    ],
    ids=["first-contig", "a-line-early", "a-line-short", "other-lines", "beyond-the-file", "other-name"],
)
@pytest.mark.parametrize("kind", ["plain", "packed"])
def test_an_index_whose_contigs_begin_or_end_elsewhere_is_found_out_though_bases_agree_by_chance(
    tmp_path: Path, line: str, kind: str
) -> None:
    path = write_fasta(tmp_path / "ref.fa", {"a": "ACGT" * 45, "b": "ACGT" * 40})
    (_, _, offset_a, *_), (_, length, offset, *_) = (
        entry.split("\t") for entry in Path(f"{path}.fai").read_text().splitlines()
    )
    known = opened(path).fetch("b", [(4, 8)])[0].tobytes()
    if kind == "packed":
        pysam.tabix_compress(str(path), str(path) + ".gz")
        path = Path(f"{path}.gz")
        pysam.faidx(str(path))
        assert opened(path).fetch("b", [(4, 8)])[0].tobytes() == known
    wrong = line.format(length, offset_a, int(offset) - 61, int(length) - 4, offset)
    Path(f"{path}.fai").write_text(f"a\t180\t{offset_a}\t60\t61\n{wrong}\n")
    reference, name = opened(path), wrong.split("\t")[0]
    assert reference.fetch("a", [(4, 8)])[0].tobytes() == b"ACGT"
    reference.require("a")
    with pytest.raises(SpecError, match=rf"contig '{name}' does not begin or end where it says so"):
        reference.require(name)
    with pytest.raises(RecordError, match="not what its index says"):
        reference.fetch(name, [(4, 8)])


def test_a_gzi_whose_blocks_inflate_to_other_sizes_is_found_out(packed: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(packed, tmp_path / packed.name))
    shutil.copy(f"{packed}.fai", f"{bare}.fai")
    body = bytearray(Path(f"{packed}.gzi").read_bytes())
    (inflated,) = struct.unpack("<Q", body[16:24])
    body[16:24] = struct.pack("<Q", inflated - 4)
    Path(f"{bare}.gzi").write_bytes(body)
    with pytest.raises(RecordError, match=r"its \.gzi is another's"):
        opened(bare).fetch("chr1", [(60_000, 70_000)])


def test_contigs_of_one_line_with_windows_line_ends_or_nothing_behind_the_last_base_are_taken(tmp_path: Path) -> None:
    for number, body in enumerate(
        (b">a\nACGT\n>b x\nGGTT", b">a\r\nACGT\r\n>b\r\nGGTT\r\n\r\n", b">a\nACGT\n\n>b\nGGTT\n")
    ):
        path = tmp_path / f"{number}.fa"
        path.write_bytes(body)
        pysam.faidx(str(path))
        assert [opened(path).fetch(name, [(0, 4)])[0].tobytes() for name in "ab"] == [b"ACGT", b"GGTT"]


def test_a_damaged_block_is_unreadable_and_others_are_read(packed: Path, tmp_path: Path) -> None:
    body = bytearray(packed.read_bytes())
    body[100:200] = bytes(100)
    bare = tmp_path / packed.name
    bare.write_bytes(body)
    for ending in (".fai", ".gzi"):
        shutil.copy(f"{packed}{ending}", f"{bare}{ending}")
    with pytest.raises(RecordError, match="the compressed file is damaged"):
        opened(bare).fetch("chr1", [(100, 200)])
    assert (
        opened(bare).fetch("chr1", [(150_000, 150_004)])[0].tobytes().decode()
        == CONTIGS["chr1"][150_000:150_004].upper()
    )


def test_a_reference_that_was_changed_is_not_read(plain: Path) -> None:
    with pytest.raises(ObjectChanged):
        Reference(plain.as_uri(), StorageSettings(), etag="another").fetch("chr1", [(0, 5)])


def test_contigs_are_found_with_and_without_chr(plain: Path) -> None:
    reference = opened(plain)
    assert [reference.name_of(name) for name in ("1", "chr1", "M", "MT", "chrMT", "odd", "chr9")] == [
        "chr1", "chr1", "chrM", "chrM", "chrM", "odd", None,
    ]  # fmt: skip
