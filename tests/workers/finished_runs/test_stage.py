"""Rows of a complete stage, one shard, some records or all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa

from cluster.storage import open_store
from schemas.run import stage_directory
from workers.finished_runs.run import FinishedRun
from workers.finished_runs.stage import stage_at


def test_all_rows_are_those_of_the_shards_in_plan_order(finished: FinishedRun) -> None:
    stage = finished.stage
    parts = [stage.rows(shard, ["record_id"]) for shard in finished.shards()]
    assert stage.all_rows(["record_id"]).to_pylist() == pa.concat_tables(parts).to_pylist()


def test_rows_are_found_by_their_places_in_the_plan(finished: FinishedRun) -> None:
    everything = finished.stage.all_rows(["record_id", "status"])
    places = [0, 3, 4, 12]
    found = finished.stage.rows_at(places, ["record_id", "status"])
    assert found.to_pylist() == everything.take(places).to_pylist()
    assert found["record_id"].to_pylist() == finished.plan().rows(places)["record_id"].to_pylist()


def test_an_earlier_stage_is_found_by_its_name(finished: FinishedRun, copied: Path) -> None:
    earlier = copied / stage_directory("look")
    shutil.copytree(copied / "predictions", earlier / "predictions")
    shutil.copy(copied / "run.json", earlier)
    stage = stage_at(open_store(str(copied)), "look")
    assert stage.key(1) == "stages/look/predictions/shard-000001.parquet"
    assert stage.rows(1).equals(finished.stage.rows(1))


def test_a_shard_without_side_objects_vouches_for_none(finished: FinishedRun) -> None:
    assert finished.stage.side_objects(0) == []
