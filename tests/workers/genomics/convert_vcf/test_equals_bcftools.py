"""What is read of VCF is what `bcftools query` prints, whichever way the file is stored and cut."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pysam
import pysam.bcftools
import pytest

from cluster.storage import Store
from tests.support.genotype_tables import calls_of, convert_table, random_vcf, variants_of
from tests.support.meds import account

SAMPLES, RECORDS = 23, 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cohort as text, BGZF, gzip and BCF."""
    folder = tmp_path_factory.mktemp("vcf")
    text = folder / "text.vcf"
    text.write_text(random_vcf(SAMPLES, RECORDS))
    pysam.tabix_compress(str(text), str(folder / "blocks.vcf.gz"))
    (folder / "stream.vcf.gz").write_bytes(gzip.compress(text.read_bytes()))
    pysam.bcftools.view("-Ob", "-o", str(folder / "binary.bcf"), str(text), catch_stdout=False)
    return folder


@pytest.fixture(scope="module")
def clean(folder: Path) -> Store:
    """The text, converted in one piece."""
    return convert_table(f"format: vcf, uri: {folder / 'text.vcf'}", folder / "out")


def test_fields_and_calls_are_those_of_bcftools(folder: Path, clean: Store) -> None:
    split = pysam.bcftools.norm("-m-", str(folder / "text.vcf"))
    (folder / "split.vcf").write_text(split)
    printed = pysam.bcftools.query("-f", "%CHROM\t%POS\t%ID\t%REF\t%ALT[\t%GT]\n", str(folder / "split.vcf"))
    rows = [line.split("\t") for line in printed.splitlines()]
    found = variants_of(clean)
    said = found.select(pl.lit("chr") + pl.col("chrom"), pl.col("pos").cast(pl.String), "id", "ref", "alt").rows()
    assert [tuple(row[:5]) for row in rows] == said
    wanted = np.array([[_code(call) for call in row[5:]] for row in rows])
    assert np.array_equal(calls_of(clean), wanted)


def _code(call: str) -> int:
    alleles = call.replace("|", "/").split("/")
    haploid = len(alleles) == 1
    if "." in alleles:
        return 13 if haploid else 3
    copies = sum(map(int, alleles))
    return 10 + 2 * copies if haploid else copies


@pytest.mark.parametrize("name", ["blocks.vcf.gz", "stream.vcf.gz", "binary.bcf"])
def test_how_a_file_is_stored_changes_nothing(folder: Path, clean: Store, tmp_path: Path, name: str) -> None:
    found = convert_table(f"format: vcf, uri: {folder / name}, chunk_bytes: 900", tmp_path / "out")
    assert_same(found, clean)


@pytest.mark.parametrize("chunk_bytes", [5_000])
def test_how_the_work_is_cut_changes_nothing_but_the_numbers(
    folder: Path, clean: Store, tmp_path: Path, chunk_bytes: int
) -> None:
    found = convert_table(
        f"format: vcf, uri: {folder / 'text.vcf'}, chunk_bytes: {chunk_bytes}",
        tmp_path / "out",
        compute="pool: serial, shard_records: 7",
    )
    assert_same(found, clean)


def assert_same(found: Store, clean: Store) -> None:
    """But for the numbers of variants, and the name of the file."""
    assert variants_of(found).drop("variant_idx").equals(variants_of(clean).drop("variant_idx"))
    assert np.array_equal(calls_of(found), calls_of(clean))
    said, wanted = account(found), account(clean)
    assert said.drop("record_id").equals(wanted.drop("record_id"))
    assert said["record_id"].str.extract(r"#(\d+)$").equals(wanted["record_id"].str.extract(r"#(\d+)$"))


def test_a_directory_of_files_by_chromosome_is_one_table(folder: Path, clean: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for chrom in ("chr1", "chr2", "chrX"):
        part = tmp_path / "in" / f"{chrom}.bcf"
        pysam.bcftools.view("-Ob", "-o", str(part), "-t", chrom, str(folder / "text.vcf"), catch_stdout=False)
    found = convert_table(f"format: vcf, uri: {tmp_path / 'in'}", tmp_path / "out")
    left_out = ["variant_idx", "file", "record"]
    assert variants_of(found).drop(left_out).equals(variants_of(clean).drop(left_out))
    assert np.array_equal(calls_of(found), calls_of(clean))
    assert account(found)["record_id"].to_list()[:2] == ["chr1.bcf#0", "chr1.bcf#1"]
