"""Shards and samples scored in a process of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from jobs.execute import SAMPLE_SHARD, worker_job
from jobs.rundir import StageDirectory
from schemas.spec import load_spec
from schemas.work import ShardTask
from tests.support.runs import run
from tests.support.small_run import write_spec
from workers.children.chunk import Answer
from workers.finished_runs.documents import existing_run
from workers.pipeline import isolation
from workers.pipeline.context import StageContext
from workers.pipeline.factory import open_stage


def test_the_sample_that_the_reject_limit_is_checked_on_can_be_isolated_as_a_shard_can(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    run(spec.read_text())
    store = open_store(str(tmp_path / "out"))
    job = open_stage(worker_job(StageDirectory(store, "", existing_run(store)), load_spec(spec)), 1, 0)
    try:
        for task in (ShardTask(1, "isolate"), ShardTask(SAMPLE_SHARD, "isolate", sample=(0, 5, 9))):
            records = job.records(task)
            table = job.isolate(task, records).table
            assert table["record_id"].to_pylist() == records["record_id"].to_pylist()
    finally:
        job.close()


def test_a_record_that_kills_or_never_ends_or_needs_too_much_alone_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    run(spec.read_text())
    store = open_store(str(tmp_path / "out"))
    job = open_stage(worker_job(StageDirectory(store, "", existing_run(store)), load_spec(spec)), 1, 0)
    parts = sorted((tmp_path / "out" / "predictions").glob("*.parquet"))
    whole = pa.concat_tables([pq.read_table(part).replace_schema_metadata() for part in parts]).combine_chunks()
    fates = {1: "timed_out", 2: "died", 3: "out_of_memory"}

    def child(context: StageContext, job: Any, task: ShardTask, indices: Sequence[int], written: Any) -> Any:
        rows: list[pa.RecordBatch] = []
        for index in indices:
            if index in fates:
                return Answer(rows, fates[index], "signal 11")
            rows += whole.slice(index, 1).cast(context.layout.schema).to_batches()
        return Answer(rows)

    monkeypatch.setattr(isolation, "_in_child", child)
    try:
        table = job.isolate(ShardTask(0, "isolate"), job.records(ShardTask(0))).table
    finally:
        job.close()
    assert table["status"].to_pylist() == ["ok", "timed_out", "crashed_worker", "too_large"]
    assert table.schema == job.context.layout.schema
