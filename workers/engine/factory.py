"""Build the worker of a stage: the one dotted path that a pool is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from schemas.errors import WardroundError
from schemas.work import Worker
from workers import registry
from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage, ShardStage
from workers.engine.shard_worker import ShardWorker
from workers.engine.stage import StageJob
from workers.engine.worker import PipelineWorker
from workers.threads import cap_threads

DOTTED = "workers.engine.factory:build"


def build(job: Mapping[str, Any], cpus: float, gpus: float) -> Worker:
    """A worker for the plain JSON that `jobs.execute.worker_job` makes."""
    context, stage = _open(job, cpus, gpus)
    if isinstance(stage, RecordStage):
        return PipelineWorker(StageJob(context, stage, job), context.budget)
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
    stages = registry.resolve_room(context.run.spec.job, context.run.spec.input, "stages")
    return context, cast("RecordStage | ShardStage", getattr(stages, context.run.stage)(context))
