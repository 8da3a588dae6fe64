"""A reference that is gone, changed or damaged after planning is a status of its variants, and others are scored."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pysam
import pytest

from cluster.storage import StorageSettings
from schemas.status import Status
from tests.support.variants import random_bases, write_fasta
from workers.genomics.sequences.fasta import Reference
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.fasta_records import FastaFetcher, fasta_records
from workers.genomics.sequences.regions import Region
from workers.genomics.sequences.vcf_fetching import VariantFetcher

BASES = random_bases(300_000, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    plain = write_fasta(tmp_path / "ref.fa", {"1": BASES})
    packed = Path(f"{plain}.gz")
    pysam.tabix_compress(str(plain), str(packed))
    pysam.faidx(str(packed))
    return packed


def row(pos: int, etag: str, **changes: Any) -> dict[str, Any]:
    return {
        "chrom": "chr1", "pos": pos, "ref": BASES[pos - 1].lower(), "alt": "A", "fault": None, "fault_detail": None,
        "reference_etag": etag, **changes,
    }  # fmt: skip


def fetched(path: Path, rows: list[dict[str, Any]]) -> list[Any]:
    return VariantFetcher(partial(Reference, path.as_uri(), StorageSettings()), 10, 10).fetch(rows)


def test_regions_reach_as_far_as_asked_and_alleles_of_a_site_share_them(path: Path) -> None:
    etag = Reference(path.as_uri(), StorageSettings()).etag
    one, two, three = fetched(path, [row(100, etag), row(100, etag, alt="CC"), row(5, etag, ref=BASES[4:7])])
    assert one.bases.tobytes().decode() == BASES[89:109]
    assert one.bases is two.bases
    assert three.bases.tobytes().decode() == "N" * 6 + BASES[:16]
    assert (three.start, three.pos, three.ref_length, three.contig_length) == (-6, 4, 3, len(BASES))


def test_what_was_wrong_when_planned_stays_so(path: Path) -> None:
    etag = Reference(path.as_uri(), StorageSettings()).etag
    found = fetched(path, [row(5, etag, fault="unsupported", fault_detail="the allele is symbolic"), row(6, etag)])
    assert found[0] == (Status.UNSUPPORTED, "the allele is symbolic")
    assert isinstance(found[1], Region)


def _remove(path: Path) -> None:
    path.unlink()


def _remove_index(path: Path) -> None:
    Path(f"{path}.fai").unlink()


def _rewrite(path: Path) -> None:
    body = path.read_bytes()
    path.unlink()
    path.write_bytes(body + b"\0")


@pytest.mark.parametrize(
    ("harm", "status"),
    [(_remove, Status.MISSING), (_remove_index, Status.MISSING), (_rewrite, Status.INPUT_CHANGED)],
)
def test_a_reference_that_went_or_changed_after_planning_is_a_status(
    path: Path, harm: Callable[[Path], None], status: Status
) -> None:
    etag = Reference(path.as_uri(), StorageSettings()).etag
    harm(path)
    assert [item[0] for item in fetched(path, [row(5, etag), row(6, etag)])] == [status, status]


def test_a_damaged_part_of_the_reference_takes_its_own_variants_only(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[200:300] = bytes(100)
    path.write_bytes(body)
    etag = Reference(path.as_uri(), StorageSettings()).etag
    fetcher = VariantFetcher(partial(Reference, path.as_uri(), StorageSettings()), 10, 10)
    assert fetcher.fetch([row(100, etag)]) == [
        (Status.UNREADABLE, "the compressed file is damaged, or its .gzi is another's")
    ]
    assert isinstance(fetcher.fetch([row(250_000, etag)])[0], Region)


def test_records_of_a_fasta_are_found_by_their_bytes_in_any_pieces() -> None:
    text = b">a one\nAC\nGT\n>b\r\nTT\r\n\r\n>\nA\n>c x\n>d\nACG"
    for piece in (1, 3, 1000):
        found = list(fasta_records((text[i : i + piece] for i in range(0, len(text), piece)), "x.fa"))
        assert [record.name for record in found] == ["a", "b", "x.fa#3", "c", "d"]
        bodies = [text[record.start :][: record.size].split() for record in found]
        assert bodies == [[b"AC", b"GT"], [b"TT"], [b"A"], [], [b"ACG"]]


def test_a_record_that_is_far_too_long_is_told_without_being_read(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(">a\nACGT\n>b\nAC\n")
    fetcher = FastaFetcher(partial(FastaFile, (tmp_path / "x.fa").as_uri(), StorageSettings(), "input.uri"), 3)
    etag = FastaFile((tmp_path / "x.fa").as_uri(), StorageSettings(), "input.uri").etag
    told = (Status.TOO_LARGE, "the sequence has more than 3 letters")
    # The second row claims more bytes than the file has, so that reading it could not succeed.
    found = fetcher.fetch(
        [{"member": 3, "size": 5, "etag": etag}, {"member": 3, "size": 10**9, "etag": etag},
         {"member": 11, "size": 3, "etag": etag}]
    )  # fmt: skip
    assert found[:2] == [told, told]
    assert isinstance(found[2], Region)
    assert found[2].bases.tobytes() == b"AC"
