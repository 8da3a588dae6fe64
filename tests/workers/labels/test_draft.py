"""What a first look at labels takes for what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings
from workers.labels.draft import look_at_labels
from workers.training.job.draft import draft_of_training


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ([0, 1, 0, 1], {}),
        ([True, False, True, False], {"positive": True}),
        (["no", "yes", "no", None], {"positive": "yes"}),
        (["mild", "none", "severe", "none"], {"task": "classes", "classes": ["mild", "none", "severe"]}),
        ([number / 7 for number in range(40)], {"task": "number"}),
    ],
)
def test_a_truth_is_asked_for_by_the_values_that_it_has(
    tmp_path: Path, values: list[Any], asked: dict[str, Any]
) -> None:
    rows = pl.DataFrame({"Image": [f"{row}.png" for row in range(len(values))], "finding": values})
    rows.write_parquet(tmp_path / "labels.parquet")
    looked = look_at_labels(str(tmp_path / "labels.parquet"), StorageSettings())
    assert looked.key == "Image"
    assert [looked.truth(name) for name in ("", "FINDING", "x")] == ["finding", "finding", None]
    assert looked.asked("finding") == asked


def test_splits_by_other_words_are_said_in_the_spec(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id,patient,fold,sick\n1,a,train,0\n2,b,val,1\n3,c,test,0\n")
    found = draft_of_training("images", str(tmp_path / "l.csv"), StorageSettings())
    assert found.keys["splits"] == {"column": "fold", "train": "train", "tuning": "val", "held_out": "test"}
    assert found.keys["outputs"] == {"sick": {"truth": "sick"}}
    assert found.keys["network"] == {"name": "smallcnn"}


def test_without_a_table_of_labels_a_remark_says_what_to_write() -> None:
    found = draft_of_training("events", "", StorageSettings())
    assert set(found.keys) == {"network"}
    assert "say labels" in found.remarks[0]
