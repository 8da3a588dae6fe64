"""Whole files with bytes that were altered: every record is accounted for, and nothing falls over."""

from __future__ import annotations

import gzip
from pathlib import Path

import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from tests.support.bgzf import bgzf
from tests.support.genotype_tables import HEADER, columns_of, random_vcf
from workers.genomics.convert_vcf.files import VcfFiles
from workers.genomics.convert_vcf.reader import VcfReader
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.records import Records

SAMPLES = 4
TEXT = random_vcf(SAMPLES, 12).encode()
START = TEXT.index(b"\nchr1") + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Room for one file at a time, and the records as BCF."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "in.vcf").write_bytes(TEXT)
    pysam.bcftools.view("-Ob", "-o", str(folder / "whole.bcf"), str(folder / "in.vcf"), catch_stdout=False)
    (folder / "whole.bcf").write_bytes(gzip.decompress((folder / "whole.bcf").read_bytes()))
    return folder


def read(path: Path, chunk_bytes: int = 300) -> list[Records]:
    """Every chunk of one file."""
    source = VcfInput(format="vcf", uri=str(path), chunk_bytes=chunk_bytes)
    files = VcfFiles(source, StorageSettings())
    reader = VcfReader(open_store(str(path.parent)), source, files.samples)
    return [records for chunk in files.chunks() for records in reader.records(chunk)]


CHANGES = st.lists(st.tuples(st.integers(0, len(TEXT) - START - 1), st.integers(0, 255)), max_size=8)


def altered(body: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Line ends stay where they are and none is added, so that it is known how many records there are."""
    found = bytearray(body)
    for place, value in changes:
        if found[START + place] != 10 and value != 10:
            found[START + place] = value
    return bytes(found)


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES, cut=st.sampled_from([300, 1 << 20]), block=st.sampled_from([0, 100, 5000]))
def test_text_that_was_altered_loses_no_record(
    folder: Path, changes: list[tuple[int, int]], cut: int, block: int
) -> None:
    body = altered(TEXT, changes)
    path = folder / "altered.vcf.gz"
    path.write_bytes(bgzf(body, block) if block else body)
    outcomes = sum(records.outcomes.height for records in read(path, cut))
    assert outcomes == body[START:].count(b"\n")


@settings(max_examples=30, deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    end=st.floats(0.1, 1),
    raw=st.booleans(),
)
def test_bytes_of_blocks_and_of_bcf_that_were_altered_are_rows_or_an_error_of_ours(
    folder: Path, changes: list[tuple[float, int]], end: float, raw: bool
) -> None:
    whole = (folder / "whole.bcf").read_bytes() if raw else bgzf(TEXT, 90)
    body = bytearray(whole[: int(end * len(whole))])
    for place, value in changes:
        body[int(place * (len(body) - 1))] = value
    path = folder / ("altered.bcf" if raw else "blocks.vcf.gz")
    path.write_bytes(body)
    try:
        found = read(path)
    except SpecError:
        return
    for records in found:
        assert records.outcomes["n_variants"].sum() == records.variants.height == len(records.calls.packed)


def test_a_file_without_records_gives_none(folder: Path) -> None:
    path = folder / "empty.vcf"
    path.write_text(HEADER + columns_of(["a"]))
    assert read(path) == []


def test_blocks_without_their_end_say_that_the_file_was_cut_off(folder: Path) -> None:
    path = folder / "cut.vcf.gz"
    path.write_bytes(bgzf(TEXT, 500, end=b""))
    found = read(path)
    assert found[-1].outcomes["reason"].to_list()[-1].startswith("the file ends without the mark that bgzip writes")
    assert sum(records.outcomes.height for records in found) == 13


def test_bcf_whose_header_lacks_what_records_refer_to_is_a_row_for_each_record(folder: Path) -> None:
    body = (folder / "whole.bcf").read_bytes()
    path = folder / "header.bcf"
    path.write_bytes(body.replace(b"##contig=<ID=chr", b"##cXntig=<ID=chr"))
    assert sum(records.outcomes.height for records in read(folder / "whole.bcf")) == 12
    found = read(path)
    assert sum(records.outcomes.height for records in found) == 12
    assert {status for records in found for status in records.outcomes["status"]} == {"unreadable"}
