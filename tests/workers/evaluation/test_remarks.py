"""Remarks of evaluations as a person runs them: in metrics.json, in the manifest, in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from cluster.storage import open_store
from jobs.report_file import write_report
from tests.workers.evaluation.support import evaluated, screened


def remarks(folder: Path, rows: pl.DataFrame, **settings: Any) -> list[tuple[str | None, str | None, str]]:
    found = evaluated(folder, rows, **settings)["remarks"]
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["tables"].get("remarks", []) == [{"remark": one["remark"]} for one in found]
    return [(one["outcome"], one["column"], one["remark"]) for one in found]


def test_a_carried_column_and_one_of_the_labels_that_tell_the_truth_are_named(tmp_path: Path) -> None:
    rows = screened(300)
    ward = pl.when(pl.col("sick") == 1).then(pl.lit("intensive care")).otherwise(pl.lit("general"))
    labels = rows.select("record_id", "sick", (2 - pl.col("sick")).alias("treated"), "age")
    labels.write_csv(tmp_path / "labels.csv")
    uri = {"labels": {"uri": str(tmp_path / "labels.csv")}}
    found = remarks(tmp_path, rows.with_columns(ward.alias("ward")).drop("sick"), **uri)
    assert [(outcome, column) for outcome, column, _ in found] == [("sick", "treated"), ("sick", "ward")]
    assert "tells outcome sick by itself (AUROC 1.000)" in found[0][2]
    write_report(open_store(str(tmp_path / "out")))
    assert "tells outcome sick by itself" in (tmp_path / "out" / "report.html").read_text()


def test_an_evaluation_of_nothing_strange_has_no_remark(tmp_path: Path) -> None:
    assert remarks(tmp_path, screened(300), tuning={"split": "tuning"}) == []


def test_one_class_alone_and_persons_of_two_parts_are_told(tmp_path: Path) -> None:
    rows = screened(300).with_columns(pl.lit(0).cast(pl.Int64).alias("sick"))
    rows = rows.with_columns(subject_id=pl.format("p{}", pl.int_range(300) // 2))
    found = remarks(tmp_path, rows, tuning={"split": "tuning"})
    both = rows.group_by("subject_id").agg(pl.col("split").n_unique()).filter(pl.col("split") == 2).height
    assert found[0][2].startswith(f"{both} persons have tuning rows and test rows")
    assert found[1][2].startswith("outcome sick: all test rows with a truth are negative")
