"""`job: predict`: score every record of a collection, stage by stage, and write the manifest."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cluster.pool import Host
from cluster.storage import StorageSettings, is_inside, open_store, probe
from jobs.execute import StageFigures, Watchers, execute, worker_job
from jobs.finishing import finish
from jobs.models import resolve_models
from jobs.rundir import Stage, read_manifest
from jobs.settings import storage_settings
from jobs.stages import Prediction, understand
from schemas.errors import SpecError
from schemas.run import Manifest
from schemas.spec import Spec

HostOpener = Callable[[Spec, dict[str, object]], AbstractContextManager[Host]]
"""Opens the pool for one stage; the job it is given is plain JSON for the worker factory."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its manifest, and whether this command did anything for it."""

    manifest: Manifest
    run_uri: str
    nothing_to_do: bool
    seconds: float


def predict(spec: Spec, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]) -> Outcome:
    """Run the spec to its end, or resume it. `announce` takes one line a step, for people."""
    began = time.monotonic()
    storage = storage_settings(spec)
    prediction = prepare_prediction(spec, storage)
    store = open_store(spec.output.uri, storage)
    if not spec.output.single_committer:
        probe(store, quick=True)
    stage = prediction.open_first(store)
    done = read_manifest(store)
    if done is not None and not prediction.by_frame:
        return Outcome(done, store.uri, True, time.monotonic() - began)
    stages, figures = [stage], [_run_stage(stage, spec, open_host, watchers, announce)]
    if prediction.by_frame:
        stages.append(prediction.open_next(store, stage))
        if (done := read_manifest(store)) is not None:
            return Outcome(done, store.uri, True, time.monotonic() - began)
        figures.append(_run_stage(stages[-1], spec, open_host, watchers, announce))
    manifest = finish(stages, figures[-1].seconds, figures[-1].busy)
    return Outcome(manifest, store.uri, False, time.monotonic() - began)


def prepare_prediction(spec: Spec, storage: StorageSettings) -> Prediction:
    """Understand the input and find the models. Raises SpecError or RefusedError; reads no record."""
    source_uri = spec.input.get("uri")
    if isinstance(source_uri, str) and is_inside(spec.output.uri, [source_uri]):
        raise SpecError("output.uri lies inside input.uri: the run would read its own rows. Choose another output.uri")
    return understand(spec, storage, resolve_models(spec, storage))


def _run_stage(
    stage: Stage, spec: Spec, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]
) -> StageFigures:
    plan = stage.run.plan
    missing = plan.shards - len(stage.present())
    announce(f"stage {stage.run.stage}: {plan.records} records in {plan.shards} shards, {missing} to do")
    if not missing:
        return StageFigures()
    with open_host(spec, worker_job(stage, spec)) as host:
        return execute(stage, spec, host, watchers)


__all__ = ["HostOpener", "Outcome", "predict", "prepare_prediction"]
