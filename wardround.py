"""Batch inference for medicine from Python, in a script or a notebook.

    import wardround

    run = wardround.run("study.yaml")            # or go on where an earlier call or command stopped
    run.figures()["statuses"]                     # {'ok': 11932, 'unreadable': 4}
    run.rows(columns=["record_id", "status"]).to_polars()

    wardround.plan("study.yaml", sample=200).forecast.hours
    wardround.open_run("s3://results/study/").manifest.fingerprint
    wardround.verify("s3://results/study/").rows

What is wrong is raised as one of the errors below; nothing ends the process. Ctrl-C while a run scores finishes the
shards in hand, then raises KeyboardInterrupt; twice stops at once. The same call goes on.

The import is quick: torch and Ray are imported when a run needs them. Our packages `jobs`, `workers`, `cluster` and
`schemas` are taken from beside this file, so modules of yours with these names cannot be imported beside them.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

_ROOT = os.path.dirname(os.path.abspath(__file__))


def _take_our_packages() -> None:
    """Import them from beside this file, whatever else on the path has their names. Raises ImportError."""
    sys.path.insert(0, _ROOT)
    try:
        for name in ("schemas", "cluster", "workers", "jobs"):
            found = os.path.abspath(importlib.import_module(name).__file__ or "")
            if os.path.dirname(os.path.dirname(found)) != _ROOT:
                raise ImportError(
                    f"wardround has a package {name!r}, and another one of that name is imported already: import "
                    "wardround first, rename that one, or run the spec with the command `wardround`"
                )
    finally:
        sys.path.remove(_ROOT)


_take_our_packages()

from schemas.errors import (  # noqa: E402 - found only now
    FingerprintError,
    IncompleteError,
    InfrastructureError,
    MissingExtraError,
    RefusedError,
    RejectLimitError,
    SecurityError,
    SpecError,
    StoreError,
    UsageError,
    VerificationError,
    WardroundError,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from jobs.outlook import Outlook
    from jobs.spec_source import SpecSource
    from jobs.verification.found import Verified
    from schemas.run import Manifest
    from workers.finished_runs.run import FinishedRun

__all__ = [
    "FingerprintError",
    "IncompleteError",
    "InfrastructureError",
    "MissingExtraError",
    "RefusedError",
    "RejectLimitError",
    "Rows",
    "Run",
    "SecurityError",
    "SpecError",
    "StoreError",
    "UsageError",
    "VerificationError",
    "WardroundError",
    "open_run",
    "plan",
    "run",
    "verify",
]

ProgressMode = Literal["auto", "rich", "plain", "none"]
"""`auto`: a bar in a notebook and on a terminal, else a line every few seconds; all on stderr. `none`: quiet."""


class Rows:
    """Rows of a run in plan order: iterated, a pyarrow table a shard, read when it is its turn; or all at once."""

    def __init__(
        self, run: FinishedRun, columns: Sequence[str] | None, statuses: Sequence[str], model: str | None
    ) -> None:
        self._run, self._columns, self._statuses, self._model = run, columns, statuses, model

    def __iter__(self) -> Iterator[pa.Table]:
        """A table a shard, one in memory at a time."""
        for _, table in self._run.tables(self._columns, statuses=self._statuses, model=self._model):
            yield table

    def to_arrow(self) -> pa.Table:
        """All of them as one table."""
        import pyarrow as pa

        return pa.concat_tables(self).unify_dictionaries()

    def to_polars(self) -> pl.DataFrame:
        """All of them as a data frame; statuses are categorical."""
        import polars as pl

        return pl.DataFrame(self.to_arrow())


class Run:
    """A complete run on storage."""

    def __init__(self, finished: FinishedRun) -> None:
        self._finished = finished

    def __repr__(self) -> str:
        """Its name, number of records and place."""
        from schemas.wording import counted

        return f"<wardround run {self.manifest.name!r}, {counted(self.manifest.records, 'record')}, at {self.uri}>"

    @property
    def uri(self) -> str:
        """The run directory."""
        return self._finished.store.uri

    @property
    def manifest(self) -> Manifest:
        """Every object of the run with its sha256, records by status, fingerprint, when it began and ended."""
        return self._finished.manifest

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the rows' columns."""
        return self._finished.schema()

    def rows(
        self, columns: Sequence[str] | None = None, *, statuses: Sequence[str] = (), model: str | None = None
    ) -> Rows:
        """The rows: of `columns`, else all; with one of `statuses`, else every one.

        `model` goes by what became of a record in that model, where the run has several. Raises UsageError for a column
        or a model that the run does not have and for a status that there is not; reading raises VerificationError where
        a shard is damaged.
        """
        from schemas.loading import nearest
        from schemas.status import Status

        for name, given in (("columns", columns), ("statuses", statuses)):
            if isinstance(given, str):
                raise UsageError(f"{name} is one word: give a list, [{given!r}]")
        known = [str(status) for status in Status]
        for status in statuses:
            if status not in known:
                hint = nearest(status, known) or "."
                raise UsageError(f"there is no status {status!r}{hint} Known: {', '.join(known)}")
        unknown = sorted(set(columns or ()) - set(self.schema.names))
        if unknown:
            raise UsageError(f"the run has no column {unknown[0]!r}; it has {', '.join(self.schema.names)}")
        self._finished.status_column(model)
        return Rows(self._finished, columns, statuses, model)

    def figures(self) -> dict[str, Any]:
        """What the summary at a run's end says, as plain data: records, statuses, totals, seconds_by_step, busy, ..."""
        from jobs.reporting.figures import figures

        return figures(self.manifest, self.uri)


def run(spec: SpecSource, *, progress: ProgressMode = "auto") -> Run:
    """Score every record of a spec, or go on where an earlier run of it stopped; a complete one is only opened.

    `spec`: a path or uri of a YAML file, whose paths are from the folder that it lies in, or a mapping of what such a
    file says, with paths from the working directory. With `compute: {pool: serial}` it is scored in this process, whose
    numeric libraries then keep to `cpus_per_worker` threads; else on Ray: the cluster that this process has joined or
    that `compute.address` names, or one started for the call.

    Raises SpecError, RefusedError, IncompleteError, RejectLimitError or VerificationError with what to do, and
    KeyboardInterrupt once the shards in hand are finished where Ctrl-C was pressed.
    """
    import signal

    from jobs.signals import InterruptedRunError, StopRequests
    from jobs.spec_source import spec_from
    from jobs.watched import run as watched

    checked = spec_from(spec)
    try:
        with StopRequests(signal.SIGINT).installed() as stop:
            watched(checked, stop, progress)
    except InterruptedRunError as error:
        raise KeyboardInterrupt(str(error)) from None
    return open_run(checked)


def plan(
    spec: SpecSource, *, all_records: bool = False, sample: int | None = None, workers: int | None = None
) -> Outlook:
    """What a run of the spec would read and whether it can be read. Writes nothing at the output.

    The models are loaded and a few records scored here; `sample`: so many, to forecast the hours on `workers` workers,
    or as many as the spec allows; 0: none. `all_records`: look at every record, not at a spread of them. Raises what
    `run` would raise at its start.
    """
    from jobs.outlook import outlook
    from jobs.spec_source import spec_from

    return outlook(spec_from(spec), all_records=all_records, sample=sample, workers=workers)


def open_run(run: SpecSource) -> Run:
    """A complete run: its directory (a path or uri), or the spec that it is of.

    Raises UsageError where no run lies, IncompleteError where it is not complete. Without a spec, endpoint and region
    of S3 are the environment's (AWS_ENDPOINT_URL, AWS_REGION).
    """
    from jobs.spec_source import run_store
    from workers.finished_runs.run import finished_run

    return Run(finished_run(run_store(run)))


def verify(run: SpecSource, *, with_source: bool = True) -> Verified:
    """Read every object of a run again and hold it against manifest and plan; `run` as for `open_run`.

    `with_source`: also compute a sample of rows again from the input. Returns how many objects, rows and bytes were
    read. Raises VerificationError with what is wrong, IncompleteError where the run is not complete.
    """
    from jobs.spec_source import run_store
    from jobs.verification.verify import verify as check

    return check(run_store(run), with_source=with_source)


def main() -> int:
    """The command `wardround`."""
    from jobs.__main__ import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
