"""Score a few records here and now, in a run directory that is thrown away: can it run, and how long does it take?"""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cluster.pool.failures import rebuild
from cluster.storage import Store, open_store
from jobs.execute import worker_job
from jobs.opening import StageRequest, open_stage
from jobs.preview import Preview, first_request
from jobs.rejects import spread_sample
from jobs.rundir import StageDirectory
from jobs.stages import StagedJob
from schemas.errors import IncompleteError, SpecError, UsageError
from schemas.figures import add_counts
from schemas.status import Status
from schemas.work import ShardReport, ShardTask, Worker
from workers.collection import NeedsAll, TrialPart, TrialStages
from workers.finished_runs.plan import PlanReader
from workers.pipeline.factory import build
from workers.pipeline.models import has_gpu

FEW = 4
"""Records that tell whether a run can."""
_WARM_UP = 16
_POLL_S = 0.02
_SHOWN = 3
"""Records whose values are shown."""


@dataclass(frozen=True)
class StageTrial:
    """What was tried of a stage: so many records in so many seconds, without loading the models. All of the stage is
    `scale` times as much work, in about so many shards."""

    stage: str
    records: int
    seconds: float
    scale: float
    shards: int


@dataclass(frozen=True)
class Trial:
    """What came of it. `statuses` and `values` are of the last stage that was tried, values by column of the models'
    for some records that are ok; none of a stage that only hands them on. `whole`: the run has no stage
    after it."""

    stages: tuple[StageTrial, ...]
    statuses: Mapping[str, int]
    values: tuple[Mapping[str, Any], ...]
    cpus: int
    whole: bool

    @property
    def records(self) -> int:
        """Records of the last stage that was tried."""
        return self.stages[-1].records

    @property
    def seconds(self) -> float:
        """Seconds of all that was tried."""
        return sum(stage.seconds for stage in self.stages)

    def hours(self, workers: int) -> float:
        """For all records, on so many workers like this one; a stage of fewer shards employs fewer."""
        return sum(one.seconds * one.scale / min(workers, max(1, one.shards)) for one in self.stages) / 3600


def try_out(job: StagedJob, seen: Preview, records: int, *, timed: bool) -> Trial:
    """Do about so many records of each stage with one worker in this process; `timed` by what is done first.

    Raises what a run would end with where it cannot be done at all, IncompleteError where this record or machine is to
    blame.
    """
    cpus = min(int(max(1, job.spec.compute.cpus_per_worker)), os.cpu_count() or 1)
    with TemporaryDirectory(prefix="wardround-trial-") as folder:
        store = open_store(str(Path(folder) / "run"))
        stages: list[StageDirectory] = []
        tried: list[StageTrial] = []
        statuses: Mapping[str, int] = {}
        while not _needs_all(job, len(stages)) and (planned := _planned(job, seen, stages, Path(folder))) is not None:
            request, plan = planned
            part = _part(job, request.plan.stage, plan, records, is_first=not stages)
            if part is None:
                break
            before = tried[-1].scale if tried and not part.of_all else 1.0
            stages.append(_opened(store, request, plan, part))
            statuses, seconds = _run(stages[-1], job, cpus, timed=timed)
            scale = before * plan.info.records / len(part.places)
            shards = math.ceil(plan.info.shards * before)
            tried.append(StageTrial(request.plan.stage, len(part.places), seconds, scale, shards))
        whole = len(stages) == len(job.collection.stages)
        # What a stage hands on to the next is record content, and nobody asked to see it.
        values = tuple(_values(stages[-1])) if whole or stages[-1].run.models else ()
        return Trial(tuple(tried), statuses, values, cpus, whole)


def _needs_all(job: StagedJob, stage: int) -> bool:
    """Whether the next stage cannot even be planned from a part of those before it."""
    stages = job.collection.stages
    return isinstance(job.collection, NeedsAll) and stage < len(stages) and job.collection.needs_all(stages[stage])


def _planned(
    job: StagedJob, seen: Preview, finished: Sequence[StageDirectory], folder: Path
) -> tuple[StageRequest, PlanReader] | None:
    """The next stage with its plan, made from what those before it did; None if they were all."""
    if not finished:
        return first_request(job), seen.plan
    try:
        request = job.request(finished)
        if request is None:
            return None
        path = folder / f"plan-{len(finished)}.parquet"
        info = request.write_plan(path)
    except SpecError as error:
        raise UsageError(f"what was tried of the input leads nowhere ({error}): try more of it, --sample N") from None
    return request, PlanReader(open_store(str(folder)), path.name, info)


def _part(job: StagedJob, stage: str, plan: PlanReader, records: int, *, is_first: bool) -> TrialPart | None:
    if isinstance(job.collection, TrialStages):
        return job.collection.trial_part(stage, plan, records)
    return TrialPart(spread_sample(plan.info, records if is_first else plan.info.records), of_all=is_first)


def _opened(store: Store, request: StageRequest, plan: PlanReader, part: TrialPart) -> StageDirectory:
    """The stage, in a run directory of its own, as if these records were all."""
    some = plan.rows(part.places)
    return open_stage(store, replace(request, plan=replace(request.plan, batches=lambda: iter(some.to_batches()))))


def _run(stage: StageDirectory, job: StagedJob, cpus: int, *, timed: bool) -> tuple[Mapping[str, int], float]:
    """Every shard; records by status and seconds. `timed`: what is slow only the first time is done once before."""
    shards = [ShardTask(shard) for shard in range(stage.run.plan.shards)]
    with _worker(stage, job, cpus) as worker:
        first: list[ShardReport] = []
        if timed and stage.run.kind == "records":
            _finish(worker, [ShardTask(-1, sample=spread_sample(stage.run.plan, _WARM_UP))])
        elif timed:
            # It is committed, and found to be there the second time.
            first = _finish(worker, shards[:1])
        began = time.monotonic()
        reports = _finish(worker, shards)
        seconds = time.monotonic() - began
    by_shard = {report.shard: report for report in [*reports, *first]}
    return add_counts(report.statuses for report in by_shard.values()), seconds


@contextmanager
def _worker(stage: StageDirectory, job: StagedJob, cpus: int) -> Iterator[Worker]:
    # Who submits to a cluster may have no GPU.
    gpus = job.spec.compute.gpus_per_worker if has_gpu() else 0.0
    worker = build(worker_job(stage, job.spec), float(cpus), gpus)
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
            if report.retryable:
                raise IncompleteError(f"the sample could not be scored: {report.error}")
            raise rebuild(report.error_type, report.error)
    return reports


def _values(stage: StageDirectory) -> Iterator[Mapping[str, Any]]:
    names = [column.name for column in stage.run.columns]
    left = _SHOWN
    for shard in range(stage.run.plan.shards):
        for row in stage.finished().rows(shard, ["status", *names]).to_pylist():
            if left and row["status"] == Status.OK:
                left -= 1
                yield {name: row[name] for name in names}
