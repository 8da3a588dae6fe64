"""Records of a status, from the shards that are there."""

from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.finishing import finish
from jobs.rows import Row, rows_with
from jobs.rundir import StageDirectory
from schemas.errors import UsageError, VerificationError
from tests.support.open_stages import commit_rows, opened

IDS = ["a", "b", "c", "d", "e"]


@pytest.fixture
def stage(tmp_path: Path) -> StageDirectory:
    stage = opened(tmp_path, IDS)
    commit_rows(stage, 2, ["missing"])
    commit_rows(stage, 0, ["ok", "unreadable"])
    return stage


def test_rows_come_in_plan_order_with_their_reason_whoever_committed_first(stage: StageDirectory) -> None:
    assert list(rows_with(stage.store, ["missing", "unreadable"])) == [
        Row("b", "unreadable", "it is unreadable"),
        Row("e", "missing", "it is missing"),
    ]


def test_a_row_without_a_reason_has_an_empty_one(stage: StageDirectory) -> None:
    assert list(rows_with(stage.store, ["ok"])) == [Row("a", "ok", "")]


def test_of_a_complete_run_a_shard_that_has_none_of_the_statuses_is_not_read(
    stage: StageDirectory, tmp_path: Path
) -> None:
    commit_rows(stage, 1, ["ok", "ok"])
    finish([stage], {}, None)
    (tmp_path / "predictions" / "shard-000000.parquet").write_bytes(b"damaged")
    assert [row.record_id for row in rows_with(stage.store, ["missing"])] == ["e"]
    assert list(rows_with(stage.store, ["no_pixels"])) == []
    with pytest.raises(VerificationError, match="shard-000000"):
        list(rows_with(stage.store, ["unreadable"]))


def test_where_no_run_lies_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run lies at"):
        list(rows_with(open_store(str(tmp_path / "nothing")), ["ok"]))


def test_a_model_that_the_run_does_not_have_is_named(stage: StageDirectory) -> None:
    with pytest.raises(UsageError, match="the run has no model 'other'; it has none"):
        list(rows_with(stage.store, ["ok"], "other"))
