"""What BCF says of its variants: sites as bcftools reads them, or a row that says why not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import open_store
from schemas.errors import SpecError
from schemas.status import Fault, Status
from tests.support.variants import random_bases, some_variants, write_vcf
from workers.genomics.sequences.bcf_sites import read_bcf_sites, sites
from workers.genomics.sequences.vcf_sites import Site

CONTIGS = {"1": random_bases(3000, 5), "X": random_bases(500, 6)}


@pytest.fixture(scope="module")
def vcf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bcf")
    long = ("1", 2990, "A", random_bases(400, 1))
    return write_vcf(folder / "in.vcf", [*some_variants(CONTIGS, 60), long], list(CONTIGS))


@pytest.fixture(scope="module")
def body(vcf: Path) -> bytes:
    """A BCF without its compression."""
    pysam.bcftools.view("-Ob", "-o", str(vcf.with_suffix(".bcf")), str(vcf), catch_stdout=False)
    return gzip.decompress(vcf.with_suffix(".bcf").read_bytes())


def of_file(path: Path) -> list[Site]:
    return list(sites(open_store(path.parent.as_uri()), path.name))


def of_bytes(body: bytes, piece: int = 1 << 20, *more: Fault) -> list[Site]:
    return list(read_bcf_sites(iter([*(body[i : i + piece] for i in range(0, len(body), piece)), *more])))


def test_sites_are_those_of_the_vcf_whatever_the_file_is_called(vcf: Path, body: bytes) -> None:
    plain = vcf.with_suffix(".vcf.gz")
    plain.write_bytes(body)
    lines = [(s.chrom, s.pos, s.id, s.ref, s.alts) for s in of_file(vcf)]
    for path in (vcf.with_suffix(".bcf"), plain):
        found = of_file(path)
        assert [(s.chrom, s.pos, s.id, s.ref, s.alts) for s in found] == lines
        assert [s.line for s in found] == list(range(1, len(lines) + 1))
        assert all(s.fault is None for s in found)


@pytest.mark.parametrize("piece", [1, 9, 500])
def test_the_pieces_in_which_a_file_comes_make_no_difference(body: bytes, piece: int) -> None:
    assert of_bytes(body, piece) == of_bytes(body)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_that_was_cut_off_ends_with_a_site_that_says_so(body: bytes, data: st.DataObject) -> None:
    whole = of_bytes(body)
    start = 9 + int.from_bytes(body[5:9], "little")
    cut = data.draw(st.integers(start, len(body) - 1))
    found = of_bytes(body[:cut])
    faults = [site for site in found if site.fault is not None]
    kept = [site for site in found if site.fault is None]
    assert kept == whole[: len(kept)]
    # Between two records nothing shows it but the end mark of bgzip, which the file itself has.
    assert faults in ([], [Site(len(kept) + 1, fault=Fault(Status.UNREADABLE, "the file ends within a record"))])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_damage_of_its_bytes_ends_in_anything_but_sites_or_a_refusal(body: bytes, data: st.DataObject) -> None:
    harmed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        harmed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        of_bytes(bytes(harmed))
    except SpecError:
        return


def test_damage_of_the_compression_is_the_last_site(body: bytes) -> None:
    damage = Fault(Status.UNREADABLE, "damaged")
    start = 9 + int.from_bytes(body[5:9], "little")
    assert of_bytes(body[: start + 50], 1 << 20, damage)[-1].fault == damage
    assert of_bytes(body[:40], 1 << 20, damage) == [Site(1, fault=damage)]


@pytest.mark.parametrize(("head", "says"), [(b"BCF\4", "of version 1"), (b"BCF\2\2\xff\xff", "does not end")])
def test_a_file_without_a_header_that_is_read_is_refused(head: bytes, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        of_bytes(head.ljust(9, b"\0") if head[3] == 4 else head)
