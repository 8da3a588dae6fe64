"""Score a few spread records here and now, in a run directory that is thrown away, to forecast a run."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from cluster.storage import open_store
from jobs.execute import worker_job
from jobs.opening import open_stage
from jobs.preview import first_request
from jobs.rejects import spread_sample
from jobs.rundir import StageDirectory
from jobs.stages import StagedJob
from schemas.errors import IncompleteError, UsageError
from schemas.work import ShardReport, ShardTask, Worker
from workers.pipeline.factory import build

_WARM_UP = 16
_POLL_S = 0.02


@dataclass(frozen=True)
class Trial:
    """What came of the sample. `seconds` is without loading the model; `per_object` is records an object."""

    records: int
    seconds: float
    statuses: Mapping[str, int]
    per_object: float
    cpus: int

    def hours(self, objects: int, workers: int) -> float:
        """For so many planned objects on so many workers like this one."""
        return objects * self.per_object * self.seconds / max(1, self.records) / workers / 3600


def try_out(job: StagedJob, sample: pa.Table) -> Trial:
    """Score these planned records with one worker in this process. Raises IncompleteError where it fails."""
    if first_request(job).plan.kind == "shards":
        raise UsageError("--sample: this job works on whole shards, not on records; try it on a part of its input")
    cpus = min(int(max(1, job.spec.compute.cpus_per_worker)), os.cpu_count() or 1)
    with TemporaryDirectory(prefix="wardround-trial-") as folder:
        stage = _open(job, sample, folder, cpus)
        records = stage.run.plan.records
        with _worker(stage, job, cpus) as worker:
            _finish(worker, [ShardTask(-1, sample=spread_sample(stage.run.plan, _WARM_UP))])
            began = time.monotonic()
            (report,) = _finish(worker, [ShardTask(-1, sample=tuple(range(records)))])
            seconds = time.monotonic() - began
    return Trial(records, seconds, report.statuses, records / sample.num_rows, cpus)


def _open(job: StagedJob, sample: pa.Table, folder: str, cpus: int) -> StageDirectory:
    """The scoring stage over the sample; the stages before it are run."""
    store = open_store(str(Path(folder)))
    first = first_request(job)
    of_sample = replace(first.plan, batches=lambda: iter(sample.to_batches()))
    stages = [open_stage(store, replace(first, plan=of_sample))]
    while len(stages) < len(job.collection.stages):
        with _worker(stages[-1], job, cpus) as worker:
            _finish(worker, [ShardTask(shard) for shard in range(stages[-1].run.plan.shards)])
        later = job.open_next(store, stages)
        assert later is not None
        stages.append(later)
    return stages[-1]


@contextmanager
def _worker(stage: StageDirectory, job: StagedJob, cpus: int) -> Iterator[Worker]:
    worker = build(worker_job(stage, job.spec), float(cpus), job.spec.compute.gpus_per_worker)
    try:
        yield worker
    finally:
        worker.close()


def _finish(worker: Worker, tasks: list[ShardTask]) -> list[ShardReport]:
    for task in tasks:
        worker.offer(task)
    reports: list[ShardReport] = []
    while len(reports) < len(tasks):
        time.sleep(_POLL_S)
        state = worker.poll()
        reports += state.done
        if state.stalled:
            raise IncompleteError(
                "a record of the sample does not end: a run gives it the status timed_out after limits.record_timeout; "
                "choose another size of --sample"
            )
    for report in reports:
        if report.outcome == "failed":
            raise IncompleteError(f"the sample could not be scored: {report.error}")
    return reports
