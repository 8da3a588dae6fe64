from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from workers.finished_runs.stage import stage_at
from workers.genomics.table.variants_stage import COLUMNS


def test_variants_are_by_chromosome_and_position_and_other_contigs_come_last(converted: Path) -> None:
    table = pl.read_parquet(converted / "table/variants.parquet")
    assert table.select("chrom", "pos", "ref", "alt", "id").rows() == [
        ("1", 7, "A", "G", "rs7"),
        ("1", 7, "A", "T", "rs7"),
        ("1", 10, "A", "C", None),
        ("1", 10, "A", "C", None),
        ("2", 5, "A", "C", "rs5"),
        ("X", 9, "G", "T", None),
        ("scaffold7", 3, "C", "T", None),
    ]
    assert table["duplicate"].to_list() == [False, False, True, True, False, False, False]
    assert table["n_alleles"].to_list() == [3, 3, 2, 2, 2, 2, 2]
    assert table["variant_idx"].is_unique().all()


def test_file_and_record_lead_from_a_variant_to_the_record_it_comes_from(converted: Path) -> None:
    table = pl.read_parquet(converted / "table/variants.parquet")
    assert table.select("file", "record").rows() == [(0, 2), (0, 2), (0, 1), (1, 1), (0, 0), (1, 0), (1, 2)]


def test_counts_are_of_the_whole_cohort_and_a_haploid_call_has_one_allele(converted: Path) -> None:
    table = pl.read_parquet(converted / "table/variants.parquet").rows_by_key("alt", named=True, include_key=True)
    (first,) = (row for row in table["C"] if row["chrom"] == "2")
    assert (first["alt_count"], first["allele_count"], first["missing"]) == (3.0, 4, 1)
    assert first["call_rate"] == pytest.approx(2 / 3)
    (on_x,) = (row for row in table["T"] if row["chrom"] == "X")
    assert (on_x["alt_count"], on_x["allele_count"], on_x["alt_freq"]) == (2.0, 4, 0.5)


def test_what_is_said_of_the_table_as_a_whole_says_whose_run_it_is(converted: Path) -> None:
    said = json.loads((converted / "table/dataset.json").read_text())
    run = json.loads((converted / "stages/variants/run.json").read_text())
    assert (said["samples"], said["variants"], said["build"], said["dosages"]) == (3, 7, "GRCh38", False)
    assert said["source"] == "vcf"
    assert run["fingerprint"] == said["fingerprint"]
    samples = pl.read_parquet(converted / "table/samples.parquet")
    assert samples.select("iid", "block").rows() == [("p", 0), ("q", 0), ("r", 0)]


def test_every_part_that_is_listed_is_there_and_all_hold_every_variant_once(converted: Path) -> None:
    parts = pl.read_parquet(converted / "table/parts.parquet")
    assert parts["first"].is_sorted()
    assert parts["rows"].sum() == 7
    assert set(parts["chrom"]) == {"1", "2", "X", "other"}
    listed = {
        f"genotypes/chrom={chrom}/sample_block=0000/{part}" for chrom, part in parts.select("chrom", "part").rows()
    }
    there = {str(path.relative_to(converted / "table")) for path in (converted / "table/genotypes").rglob("*.parquet")}
    assert listed == there


def test_its_one_row_says_how_many_variants_duplicates_and_samples_there_are(converted: Path) -> None:
    names = [column.name for column in COLUMNS]
    (row,) = stage_at(open_store(str(converted)), "variants").all_rows(names).to_pylist()
    reasons = [
        ("converted", None, 5),
        ("skipped", "its alternatives are symbolic, breakends or *", 1),
        ("split", None, 1),
        ("unreadable", "it has no chromosome or no position", 1),
    ]
    assert [tuple(reason.values()) for reason in row.pop("reasons")] == reasons
    assert row == {"n_variants": 7, "n_duplicates": 2, "n_samples": 3, "sexes": []}
