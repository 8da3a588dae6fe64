"""Build the worker of a stage: the one dotted path that a pool is given."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import WardroundError
from schemas.work import Worker
from workers import native_stderr
from workers.lookup import room_at
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.pipeline.shard_worker import ShardWorker
from workers.pipeline.stage import StageJob
from workers.pipeline.worker import PipelineWorker
from workers.threads import cap_threads

OpenStage = Callable[[StageContext], RecordStage | ShardStage]
"""One function of a room's `stages`, by the stage's name."""

DOTTED = "workers.pipeline.factory:build"


def build(job: Mapping[str, Any], cpus: float, gpus: float) -> Worker:
    """A worker for the plain JSON that `jobs.execute.worker_job` makes."""
    with native_stderr.taken():
        context, stage = _open(job, cpus, gpus)
        if isinstance(stage, RecordStage):
            return PipelineWorker(StageJob(context, stage, job), context.budget, context.limits.record_timeout)
        return ShardWorker(context, stage)


def open_stage(job: Mapping[str, Any], cpus: float, gpus: float) -> StageJob:
    """A stage of records without the pipeline around it, for one thread that does it all."""
    context, stage = _open(job, cpus, gpus)
    if not isinstance(stage, RecordStage):
        raise WardroundError("a stage of whole shards cannot be scored record by record: this is a bug")
    return StageJob(context, stage, job)


def _open(job: Mapping[str, Any], cpus: float, gpus: float) -> tuple[StageContext, RecordStage | ShardStage]:
    cap_threads(max(1, int(cpus)))
    context = StageContext(job, cpus, gpus)
    open_stage: OpenStage = room_at(job["room"]).get("stages", context.run.stage)
    return context, open_stage(context)
