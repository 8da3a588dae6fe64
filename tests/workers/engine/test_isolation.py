"""Shards and samples scored in a process of their own."""

from __future__ import annotations

from pathlib import Path

from cluster.storage import open_store
from jobs.execute import SAMPLE_SHARD, worker_job
from jobs.rundir import Stage, existing_run
from schemas.spec import load_spec
from schemas.work import ShardTask
from tests.support.runs import run
from tests.support.small_run import write_spec
from workers.engine.factory import open_stage
from workers.engine.isolation import score_isolated


def test_the_sample_that_the_reject_limit_is_checked_on_can_be_isolated_as_a_shard_can(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    run(spec.read_text())
    store = open_store(str(tmp_path / "out"))
    job = open_stage(worker_job(Stage(store, "", existing_run(store)), load_spec(spec)), 1, 0)
    try:
        for task in (ShardTask(1, "isolate"), ShardTask(SAMPLE_SHARD, "isolate", sample=(0, 5, 9))):
            records = job.records(task)
            table = score_isolated(job, task, records)
            assert table["record_id"].to_pylist() == records["record_id"].to_pylist()
    finally:
        job.close()
