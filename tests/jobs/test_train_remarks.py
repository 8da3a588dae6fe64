"""A training says which columns tell its truths by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tests.support.runs import run
from tests.support.train_runs import train_spec


def test_a_column_of_the_labels_that_tells_the_truth_is_named_in_manifest_and_card(tmp_path: Path) -> None:
    text = train_spec(tmp_path, tmp_path / "out", "outputs: {sick: {}, old: {truth: aged}}", fit="epochs: 1")
    labels = pl.read_csv(tmp_path / "labels.csv")
    ward = pl.when(pl.col("sick") == 1).then(pl.lit("intensive care")).otherwise(pl.lit("general"))
    aged = pl.int_range(labels.height) // 3 % 2
    labels.with_columns(ward.alias("ward"), aged.alias("aged")).write_csv(tmp_path / "labels.csv")
    run(text)
    (told,) = json.loads((tmp_path / "out" / "manifest.json").read_text())["tables"]["remarks"]
    assert told["remark"].startswith("column 'ward' tells output sick by itself (AUROC 1.000)")
    assert "Column 'ward' tells output sick" in (tmp_path / "out" / "model" / "model_card.md").read_text()
