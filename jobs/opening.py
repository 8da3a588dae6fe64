"""Open a stage of a run: resume what lies there, refuse what is another's, or plan and create it."""

import platform
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectMissing, Store, attempt_id, commit, settled
from jobs.discard import replace_if_empty
from jobs.locations import naming_input
from jobs.planning.fingerprint import difference, fingerprint_of
from jobs.planning.writer import write_plan
from jobs.rundir import StageDirectory
from schemas.crashpoints import crashpoint
from schemas.errors import FingerprintError, InfrastructureError, RefusedError
from schemas.plan import PlanInfo
from schemas.rows import OutputColumn
from schemas.run import PASSED_OVER, RUN_KEY, ModelRecord, RunFile
from schemas.spec import Spec
from workers.collection import StagePlan
from workers.finished_runs.documents import read_run
from workers.plugins import installed

_RECORDED = (
    "wardround",
    "ray",
    "torch",
    "numpy",
    "pyarrow",
    "polars",
    "pydicom",
    "onnxruntime",
    "opencv-python-headless",
    "transformers",
    "spacy",
    "nltk",
    "numba",
    "pgenlib",
)


@dataclass(frozen=True)
class StageRequest:
    """All that decides a stage, before its records are known: its plan by the collection, and what the run adds.

    `parts` are what its fingerprint is made of, but for the digest of the plan. `columns` are those that the stage
    writes, `models` and `prepare` those of the models that it reads, by name. `earlier` are the fingerprints of the
    stages before it, by name, in their order, `listed` is when the first of them listed the input: no other does.
    """

    plan: StagePlan
    spec: Spec
    directory: str
    rows_dir: str
    parts: Mapping[str, Any]
    columns: tuple[OutputColumn, ...] = ()
    models: Mapping[str, ModelRecord] = field(default_factory=dict)
    prepare: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    earlier: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, Any] | None = None

    def write_plan(self, path: Path) -> PlanInfo:
        """List the input and write its records to a file. Raises SpecError for an input that cannot be planned."""
        with naming_input(self.spec), closed_after(self.plan.batches()) as batches:
            return write_plan(
                batches,
                self.plan.schema,
                path,
                self.plan.shard_records or self.spec.compute.shard_records,
                whole_subjects=self.plan.whole_subjects,
                whole_by=self.plan.whole_by,
            )

    def difference(self, found: RunFile) -> str | None:
        """What makes the run that lies there another than this one; None where it is this one."""
        parts = {**self.parts, "plan": found.plan.sha256, **self._untightened(found)}
        return None if found.fingerprint == fingerprint_of(parts) else difference(found.parts, parts)

    def _untightened(self, found: RunFile) -> Mapping[str, Any]:
        """The input with those limits as the run that lies there has them which are smaller now and only refuse."""
        then, now = found.parts.get("input"), self.parts.get("input")
        if not self.plan.tightenable or not isinstance(then, Mapping) or now is None:
            return {}
        smaller = {name: then[name] for name in self.plan.tightenable if name in then and now[name] < then[name]}
        return {"input": {**now, **smaller}}


@contextmanager
def closed_after(batches: Iterator[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """The same batches; what lists them lets go of its files, also where an error holds on to it."""
    try:
        yield batches
    finally:
        if isinstance(batches, Generator):
            batches.close()


def open_stage(store: Store, request: StageRequest) -> StageDirectory:
    """The stage, planned and committed. The input is listed only if no plan lies there yet.

    Another run that lies there without a single row is replaced, and so is another stage of which nothing is there but
    its plan. Raises FingerprintError, with what changed, for one with more.
    """
    found = read_run(store, request.directory)
    if found is not None and request.difference(found) is not None and replace_if_empty(store, request.directory):
        # A spec that was corrected before anything was scored: nothing is lost.
        found = None
    if found is None:
        found = _create(store, request)
    _refuse_other(store, found, request)
    return StageDirectory(store, request.directory, found)


def _refuse_other(store: Store, found: RunFile, request: StageRequest) -> None:
    changed = request.difference(found)
    if changed is not None:
        raise FingerprintError(
            f"another run lies at output.uri; changed: {changed}. "
            "Choose another output.uri, restore the spec to resume that run, or take it away with all its rows: "
            f"wardround discard {store.uri} --yes"
        )


def _create(store: Store, request: StageRequest) -> RunFile:
    if _has_rows(store, request):
        return _run_of_rows(store, request)
    with tempfile.TemporaryDirectory(prefix="wardround-plan-") as folder:
        path = Path(folder) / "plan.parquet"
        began = _now()
        info = request.write_plan(path)
        listed = request.listed or {"records": info.records, "from": began, "to": _now(), **_passed_over(request.plan)}
        crashpoint("plan.before_put")
        fingerprint = fingerprint_of({**request.parts, "plan": info.sha256})
        commit(
            store,
            request.directory + info.key,
            path,
            # The plan's own digest instead of the run's: two drivers that plan the same input may adopt each other's.
            fingerprint=info.sha256,
            sha256=info.sha256,
        )
        crashpoint("plan.after_put")
    run = _run_file(request, info, fingerprint, listed)
    crashpoint("run.before_put")
    # Another driver may have planned at the same moment, and an object arrived between the two listings: its plan is
    # then the run's, and whether it is the same run otherwise is checked by who reads it back.
    with suppress(FingerprintError):
        commit(store, request.directory + RUN_KEY, run.encode(), fingerprint=fingerprint, attempt=run.attempt)
    crashpoint("run.after_put")
    # Read back, as it may be that of another driver, which came first.
    created = read_run(store, request.directory)
    if created is None:
        raise InfrastructureError(
            "run.json vanished as it was written: stop what deletes at output.uri, then run again"
        )
    return created


def _has_rows(store: Store, request: StageRequest) -> bool:
    return next(iter(store.list(f"{request.directory}{request.rows_dir}/")), None) is not None


def _run_of_rows(store: Store, request: StageRequest) -> RunFile:
    """The run that rows lie there of. Raises RefusedError where no run.json names it, asked apart in time."""

    def look() -> RunFile:
        found = read_run(store, request.directory)
        if found is None:
            raise ObjectMissing
        return found

    try:
        return settled(look, store.backoff)
    except ObjectMissing:
        raise RefusedError(
            f"{request.rows_dir}/ at output.uri is not empty but no run.json names its run: "
            "nothing is proved about those objects. Choose another output.uri"
        ) from None


def _passed_over(plan: StagePlan) -> dict[str, Any]:
    found = plan.passed_over()
    return {PASSED_OVER: dict(found)} if found else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _run_file(request: StageRequest, info: PlanInfo, fingerprint: str, listed: Mapping[str, Any]) -> RunFile:
    return RunFile(
        fingerprint=fingerprint,
        attempt=attempt_id(),
        run_id=fingerprint[:12],
        name=request.spec.name,
        stage=request.plan.stage,
        kind=request.plan.kind,
        processes=request.plan.processes,
        sample=request.plan.sample,
        ignores=request.plan.ignores,
        rows_dir=request.rows_dir,
        created=_now(),
        plan=info,
        parts={**request.parts, "plan": info.sha256},
        spec=request.spec,
        prepare=request.prepare,
        models=request.models,
        carry=request.plan.carry,
        header_carry=request.plan.header_carry,
        header_types=request.plan.header_types,
        columns=request.columns,
        signposts=request.plan.signposts,
        earlier=request.earlier,
        recorded={**_recorded(), "listed": dict(listed)},
    )


def _recorded() -> dict[str, Any]:
    """Where the run began, which decides nothing. Plugins are listed whether the run uses them or not."""
    return {
        "versions": _versions(),
        "plugins": [asdict(plugin) for plugin in installed()],
        "python": sys.version.split()[0],
        "machine": platform.machine(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _RECORDED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
