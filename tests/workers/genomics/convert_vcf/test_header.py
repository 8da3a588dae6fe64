"""Headers of VCF: what can be wrong with them is told before anything is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SpecError
from tests.support.bgzf import bgzf
from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line
from workers.genomics.convert_vcf.header import Header, read_header

WHOLE = HEADER + columns_of(["a", "b"])


def header_of(body: bytes, most: int = 1 << 20) -> Header:
    return read_header(lambda start, length: body[start : start + length], len(body), most, "file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (vcf_line("1", 5, "A", "C", ["0/1"]), "it has no header, or is no VCF"),
        (HEADER, "its header does not end"),
        (HEADER + columns_of([]).replace("\tFORMAT", ""), "it lists sites only"),
        (HEADER + columns_of([]), "it lists sites only"),
        (HEADER + columns_of(["a", "b", "a"]), "samples 1 and 3 have the same name"),
        (HEADER + columns_of(["a"]).replace("POS", "Pos"), "its line of columns is not"),
        ("BCF\x04", "it is BCF of version 1"),
    ],
)
def test_a_header_that_cannot_be_used_says_why(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        header_of(text.encode())


def test_a_header_longer_than_allowed_is_not_read() -> None:
    with pytest.raises(SpecError, match="longer than max_header, 100 bytes"):
        header_of(WHOLE.encode().replace(b"##INFO", b"##" + b"x" * 3_000_000 + b"\n##INFO"), 100)


@pytest.mark.parametrize("block", [7, 64, 60_000])
def test_where_the_records_begin_is_known_in_blocks_of_any_length(block: int) -> None:
    body = WHOLE.encode() + b"1\t2\n"
    stored = bgzf(body, block)
    found = header_of(stored)
    assert (found.packing, found.samples) == ("bgzf", ("a", "b"))
    before = stored[: found.start]
    inflated = gzip.decompress(before) if before else b""
    assert body[len(inflated) + found.skip :] == b"1\t2\n"


@given(body=st.one_of(st.binary(max_size=200), st.binary(max_size=50).map(lambda end: WHOLE.encode()[:-5] + end)))
def test_bytes_that_are_no_header_are_an_error_of_ours(body: bytes) -> None:
    try:
        found = header_of(body)
    except SpecError:
        return
    assert found.samples


def test_files_with_other_samples_are_not_one_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, samples in (("a", ["x", "y"]), ("b", ["y", "x"])):
        (tmp_path / "in" / f"{name}.vcf").write_text(HEADER + columns_of(samples))
    with pytest.raises(SpecError, match=r"file 2 of input\.uri has other samples than the first, or in another order"):
        convert_table(f"format: vcf, uri: {tmp_path / 'in'}", tmp_path / "out")


def test_a_directory_without_vcf_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(SpecError, match=r"nothing lies at input\.uri"):
        convert_table(f"format: vcf, uri: {tmp_path / 'in'}", tmp_path / "out")
    (tmp_path / "in" / "readme.txt").write_text("about")
    with pytest.raises(SpecError, match=r"input\.uri has no file that ends with"):
        convert_table(f"format: vcf, uri: {tmp_path / 'in'}", tmp_path / "out")


def test_a_vcf_that_is_not_there_is_told_as_that_whatever_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "cohort.vcf").write_text(HEADER + columns_of(["x"]))
    with pytest.raises(SpecError, match=r"input\.uri names a file that is not there"):
        convert_table(f"format: vcf, uri: {tmp_path / 'cohort2.vcf'}", tmp_path / "out")
