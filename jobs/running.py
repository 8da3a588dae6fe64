"""Run a job of stages to its end, or resume it, and write the manifest."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cluster.pool import Host
from cluster.storage import ObjectError, StorageSettings, probe
from jobs.execute import StageFigures, Watchers, execute, worker_job
from jobs.finishing import finish
from jobs.locations import naming_input
from jobs.output_place import check_output_place, no_empty_folders
from jobs.rundir import StageDirectory
from jobs.settings import output_store, storage_settings
from jobs.stages import StagedJob, understand
from schemas.errors import RefusedError, WardroundError
from schemas.run import Manifest
from schemas.spec import Spec
from schemas.wording import counted
from workers.finished_runs.documents import read_manifest

HostOpener = Callable[[Spec, dict[str, object]], AbstractContextManager[Host]]
"""Opens the pool for one stage; the job it is given is plain JSON for the worker factory."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its manifest, and whether this command did anything for it."""

    manifest: Manifest
    run_uri: str
    nothing_to_do: bool
    seconds: float
    planned_records: int = 0
    """Records of the first stage, as they were planned."""
    input_records: int | None = None
    """Records that a table as input has now, where the run was complete before; None where nobody counted."""


def run_stages(spec: Spec, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]) -> Outcome:
    """Run the spec to its end, or resume it. `announce` takes one line a step, for people."""
    return run_job(prepare_job(spec, storage_settings(spec)), open_host, watchers, announce)


def run_job(job: StagedJob, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]) -> Outcome:
    """The same of a job that is prepared: what was wrong with its spec is told before any pool is opened for it."""
    with no_empty_folders(job.spec.output.uri):
        return _run_job(job, open_host, watchers, announce)


def _run_job(job: StagedJob, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]) -> Outcome:
    began = time.monotonic()
    spec = job.spec
    for name, model in job.models.items():
        for remark in model.record.remarks:
            announce(f"warning: model {name}: {remark}")
    store = output_store(spec)
    if store.single_committer:
        announce(
            "warning: output.single_committer: nothing is written under a condition: run one driver only, and verify "
            "the run at its end, as a worker that was given up and writes after all can overwrite a shard"
        )
    else:
        # Before anything is written: a store that ignores the condition would lose rows in silence.
        probe(store, quick=True)
    stages: list[StageDirectory] = []
    figures = StageFigures()
    done = None
    while (stage := job.open_next(store, stages)) is not None:
        # Behind a manifest every stage is complete: they are opened only so that another run is refused.
        done = done or read_manifest(store)
        stages.append(stage)
        if done is None:
            figures = _run_stage(stage, spec, open_host, watchers, announce)
    if done is not None:
        now = _records_now(job)
        return Outcome(done, store.uri, True, time.monotonic() - began, stages[0].run.plan.records, now)
    manifest = finish(stages, figures.seconds, figures.busy, figures.counts)
    return Outcome(manifest, store.uri, False, time.monotonic() - began)


def _records_now(job: StagedJob) -> int | None:
    """How many records the input has by now, where that is one file: listing a prefix anew would take too long."""
    uri = job.spec.input.get("uri")
    if not isinstance(uri, str) or uri.endswith("/") or "." not in uri.rpartition("/")[2]:
        return None
    try:
        request = job.request([])
        return None if request is None else sum(batch.num_rows for batch in request.plan.batches())
    except (WardroundError, ObjectError):
        return None


def prepare_job(spec: Spec, storage: StorageSettings) -> StagedJob:
    """Understand the input and find the models. Raises SpecError or RefusedError; reads no record."""
    check_output_place(spec)
    with naming_input(spec):
        return understand(spec, storage)


def _run_stage(
    stage: StageDirectory, spec: Spec, open_host: HostOpener, watchers: Watchers, announce: Callable[[str], None]
) -> StageFigures:
    plan = stage.run.plan
    if not stage.plan_is_whole():
        raise RefusedError(
            f"{plan.key} is missing or damaged, and only it says which records are left: restore it, "
            "or choose another output.uri"
        )
    missing = plan.shards - len(stage.present())
    size = f"{counted(plan.records, 'record')} in {counted(plan.shards, 'shard')}"
    announce(f"stage {stage.run.stage}: {size}, {missing} to do")
    if not missing:
        return StageFigures()
    with open_host(spec, worker_job(stage, spec)) as host:
        return execute(stage, spec, host, watchers)
