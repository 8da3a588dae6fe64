"""Build the worker of a stage: the one dotted path that a pool is given."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from workers import registry
from workers.engine.models import keep_tuning, load_scorer
from workers.engine.reading import Reader
from workers.engine.scoring import Scorer
from workers.engine.stage import StageContext, StageJob
from workers.engine.worker import PipelineWorker
from workers.threads import cap_threads

DOTTED = "workers.engine.factory:build"


def build(job: Mapping[str, Any], cpus: float, gpus: float) -> PipelineWorker:
    """A worker for the plain JSON that `jobs.execute.worker_job` makes."""
    stage = open_stage(job, cpus, gpus)
    return PipelineWorker(stage, stage.context.budget)


def open_stage(job: Mapping[str, Any], cpus: float, gpus: float) -> StageJob:
    """The stage without the pipeline around it, for one thread that does it all."""
    cap_threads(max(1, int(cpus)))
    context = StageContext(job, cpus, gpus)
    collection = context.run.spec.input["collection"]
    stages = registry.resolve(registry.COLLECTIONS, collection, "collection")
    reader: Reader = getattr(importlib.import_module(f"{stages.__name__}.stages"), context.run.stage)(context)
    return StageJob(context, reader, partial(_load, context), partial(keep_tuning, context), job)


def _load(context: StageContext) -> Scorer:
    return load_scorer(context) if context.run.models else Scorer({}, {})
