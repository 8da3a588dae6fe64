"""Commit every other shard of a planned run, as a worker commits them, with scores of zero. Prints how many.

Usage: half_done.py SPEC
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from jobs.execute import worker_job
from jobs.rundir import StageDirectory
from schemas.outputs import OutputField
from schemas.spec import load_spec
from schemas.work import ShardTask
from tests.benchmarks.scale.specs import open_first
from workers.pipeline.columns import ModelColumns
from workers.pipeline.factory import open_stage
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import assemble


def commit_half(stage: StageDirectory, spec_path: Path) -> int:
    """Every second shard. Returns how many were committed."""
    job = open_stage(worker_job(stage, load_spec(spec_path)), 1, 0)
    shards = range(0, stage.run.plan.shards, 2)
    for shard in shards:
        task = ShardTask(shard)
        records = job.records(task)
        rows = job.new_rows(records)
        rows.models = {"cnn": _zeros(stage, records.num_rows)}
        job.commit(task, ShardTable(assemble(rows, job.context.layout)), records["record_id"])
    job.close()
    return len(shards)


def _zeros(stage: StageDirectory, count: int) -> ModelColumns:
    outputs = [OutputField(name=c.output, type=c.type, meaning=c.meaning) for c in stage.run.columns if c.output]
    columns = ModelColumns(outputs, count)
    columns.put([(row, 0) for row in range(count)], {o.name: np.zeros(count, np.float32) for o in outputs})
    return columns


def main(spec: str) -> None:
    """Plan first where no plan lies yet."""
    stage = open_first(Path(spec))
    print(commit_half(stage, Path(spec)))


if __name__ == "__main__":
    main(sys.argv[1])
