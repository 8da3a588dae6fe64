"""How far a run is, from storage alone: nobody has to be running."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.storage import Store
from jobs.rundir import StageDirectory
from schemas.errors import UsageError
from schemas.figures import add_by_model, add_counts
from schemas.run import RUN_KEY, FileRecord, Manifest, shard_of
from workers.finished_runs.documents import read_manifest, read_run

WINDOW = timedelta(minutes=10)
"""The rate is that of the last objects: a pause between two commands is not part of it."""


@dataclass(frozen=True)
class StageState:
    """One stage. `rate` is records a second, None where fewer than two moments are known."""

    name: str
    records: int
    shards: int
    done: int
    statuses: Mapping[str, int]
    models: Mapping[str, Mapping[str, int]]
    """By status in each of several models."""
    rate: float | None
    last: datetime | None

    @property
    def rows(self) -> int:
        """Records that have their row."""
        return sum(self.statuses.values())

    @property
    def seconds_left(self) -> float | None:
        """Seconds left at that rate, if somebody works on it."""
        return (self.records - self.rows) / self.rate if self.rate else None


@dataclass(frozen=True)
class RunState:
    """A run. `stages` in their order; a later one may not have begun."""

    name: str
    run_id: str
    finished: str | None
    """When its manifest was written (ISO 8601); None while it is not complete."""
    stages: Sequence[StageState]
    is_last: bool
    """Whether the last of them is the last of the job."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "run_id": self.run_id,
            "complete": self.finished is not None,
            "finished": self.finished,
            "stages": [
                {
                    "stage": stage.name,
                    "records": stage.records,
                    "rows": stage.rows,
                    "shards": stage.shards,
                    "shards_done": stage.done,
                    "statuses": dict(stage.statuses),
                    "models": {model: dict(counts) for model, counts in stage.models.items()},
                    "records_per_second": stage.rate,
                    "last_commit": stage.last.isoformat() if stage.last else None,
                }
                for stage in self.stages
            ],
        }


def run_state(store: Store) -> RunState:
    """Read it. Raises UsageError where no run lies."""
    stages = open_stages(store)
    manifest = read_manifest(store)
    last = stages[-1].run
    return RunState(
        name=last.name,
        run_id=last.run_id,
        finished=manifest.finished if manifest else None,
        stages=[_stage_state(stage, manifest) for stage in stages],
        is_last=not stages[-1].directory,
    )


def open_stages(store: Store) -> list[StageDirectory]:
    """Every stage that was begun, the last one last. Raises UsageError where no run lies."""
    ends = f"/{RUN_KEY}"
    runs = sorted((info for info in store.list("stages/") if info.key.endswith(ends)), key=lambda info: info.modified)
    earlier = [info.key.removesuffix(RUN_KEY) for info in runs]
    found = [(directory, read_run(store, directory)) for directory in [*earlier, ""]]
    stages = [StageDirectory(store, directory, run) for directory, run in found if run is not None]
    if not stages:
        raise UsageError(f"no run lies at {store.uri}: give the output.uri of a spec that was run")
    return stages


def shard_records(stage: StageDirectory, manifest: Manifest | None) -> dict[int, FileRecord]:
    """The shard objects of a stage: from the manifest where there is one, else from the objects' metadata."""
    if manifest is None:
        return stage.committed()
    rows_dir, start = stage.run.rows_dir, stage.directory
    named = ((shard_of(record.key.removeprefix(start), rows_dir), record) for record in manifest.files)
    return {shard: record for shard, record in named if shard is not None}


def _stage_state(stage: StageDirectory, manifest: Manifest | None) -> StageState:
    done = shard_records(stage, manifest)
    listed = {info.key: info.modified for info in stage.store.list(f"{stage.directory}{stage.run.rows_dir}/")}
    commits = [(listed[record.key], record.rows or 0) for record in done.values() if record.key in listed]
    return StageState(
        name=stage.run.stage,
        records=stage.run.plan.records,
        shards=stage.run.plan.shards,
        done=len(done),
        statuses=add_counts(record.statuses for record in done.values()),
        models=add_by_model(record.models or {} for record in done.values()),
        rate=rate_of(commits),
        last=max((when for when, _ in commits), default=None),
    )


def rate_of(commits: Iterable[tuple[datetime, int]]) -> float | None:
    """Records a second over the last ten minutes of commits: (when, rows) each. The first one only starts the clock."""
    ordered = sorted(commits)
    if not ordered:
        return None
    recent = [(when, rows) for when, rows in ordered if when >= ordered[-1][0] - WINDOW]
    seconds = (recent[-1][0] - recent[0][0]).total_seconds()
    return sum(rows for _, rows in recent[1:]) / seconds if seconds > 0 else None


def age(when: datetime) -> float:
    """Seconds since then."""
    return (datetime.now(UTC) - when).total_seconds()
