"""A finished run as whoever joins it reads it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import IncompleteError, UsageError
from workers.finished_runs.run import FinishedRun, open_run


def test_a_run_is_opened_by_its_uri(finished: FinishedRun) -> None:
    opened = open_run(finished.store.uri)
    assert opened.run == finished.run
    assert opened.manifest.records == 13
    assert opened.models == ("first", "second")


def test_where_no_run_lies_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run lies at"):
        open_run(str(tmp_path))


def test_a_run_without_a_manifest_is_not_complete(copied: Path) -> None:
    (copied / "manifest.json").unlink()
    with pytest.raises(IncompleteError, match="no manifest: it is not complete"):
        open_run(str(copied))


def test_rows_come_by_shard_in_plan_order(finished: FinishedRun) -> None:
    tables = list(finished.tables(["record_id"]))
    assert [shard for shard, _ in tables] == [0, 1, 2, 3]
    planned = pa.concat_tables(finished.plan().shards())["record_id"]
    assert pa.concat_tables([rows for _, rows in tables])["record_id"].to_pylist() == planned.to_pylist()


def test_only_the_columns_that_are_asked_for_come(finished: FinishedRun) -> None:
    _, rows = next(finished.tables(["detail", "record_id"]))
    assert rows.column_names == ["detail", "record_id"]
    _, whole = next(finished.tables())
    assert whole.column_names == finished.schema().names


def test_rows_are_chosen_by_their_status(finished: FinishedRun) -> None:
    chosen = pa.concat_tables([rows for _, rows in finished.tables(["record_id"], statuses=["unsupported", "missing"])])
    assert chosen.column_names == ["record_id"]
    counted = finished.manifest.statuses
    assert len(chosen) == counted.get("unsupported", 0) + counted.get("missing", 0)


def test_rows_are_chosen_by_what_became_of_them_in_one_model(finished: FinishedRun) -> None:
    good = sum(len(rows) for _, rows in finished.tables(["record_id"], statuses=["ok"], model="second"))
    assert good == 12


def test_each_model_has_its_columns_and_its_status(finished: FinishedRun) -> None:
    first, second = finished.outputs("first"), finished.outputs("second")
    assert first.keys() == second.keys()
    assert "" not in first
    assert {column.name for column in first.values()} == {f"first__{name}" for name in first}
    assert finished.status_column() == "status"
    assert finished.status_column("second") == "second__status"


def test_a_model_that_the_run_does_not_have_is_refused(finished: FinishedRun) -> None:
    with pytest.raises(UsageError, match="no model 'third'; it has first, second"):
        finished.outputs("third")
