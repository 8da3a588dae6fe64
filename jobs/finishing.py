"""Check that every shard lies there and write the manifest, last."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cluster.storage import Store, attempt_id, commit
from jobs.rundir import StageDirectory, side_objects
from schemas.crashpoints import crashpoint
from schemas.errors import IncompleteError, VerificationError
from schemas.figures import add_by_model, add_counts
from schemas.pace import Pace, pace_of
from schemas.run import BY_MODEL, MANIFEST_KEY, RUN_KEY, TUNING_DIR, FileRecord, Manifest
from schemas.wording import counted
from workers.finished_runs.stage import FinishedStage

_NAMED = 10
_READS = 16
"""Footers read at a time."""


@dataclass(frozen=True)
class CountedStage:
    """A stage and what its shard objects say of themselves: the objects by shard, and the side objects that they vouch
    for, shard by shard."""

    stage: StageDirectory
    shards: Mapping[int, FileRecord]
    side: Sequence[FileRecord]


def finish(
    stages: Iterable[StageDirectory], seconds: Mapping[str, float], busy: float | None, counts: Mapping[str, int] = {}
) -> Manifest:
    """Check every stage against its plan and create the manifest.

    Raises IncompleteError naming the missing shards, VerificationError where rows and plan disagree.
    """
    found = [_counted(stage) for stage in stages]
    manifest = summed_up(found).model_copy(
        update={
            "attempt": attempt_id(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": dict(seconds),
            "busy": busy,
            "counts": dict(counts),
            "pace": _pace(found[-1]),
        }
    )
    _commit(found[-1].stage, manifest)
    return manifest


def _pace(last: CountedStage) -> Pace | None:
    rows = {record.key: record.rows or 0 for record in last.shards.values()}
    listed = last.stage.store.list(f"{last.stage.directory}{last.stage.run.rows_dir}/")
    return pace_of((info.modified, rows[info.key]) for info in listed if info.key in rows)


def summed_up(stages: Sequence[CountedStage]) -> Manifest:
    """All of the manifest that follows from what lies on storage: what only the driver knew is left empty.

    Raises VerificationError where a file is gone.
    """
    files: list[FileRecord] = []
    for each in stages:
        stage = each.stage
        files += [file_record(stage.store, stage.directory + key) for key in (RUN_KEY, stage.run.plan.key)]
        files += [each.shards[shard] for shard in sorted(each.shards)]
        files += each.side
    last, shards = stages[-1].stage, stages[-1].shards
    by_model = add_by_model(shards[shard].models or {} for shard in sorted(shards))
    files += [file_record(last.store, info.key) for info in last.store.list(TUNING_DIR)]
    return Manifest(
        fingerprint=last.run.fingerprint,
        attempt="",
        run_id=last.run.run_id,
        name=last.run.name,
        records=last.run.plan.records,
        # The rows of the last stage are the run's.
        statuses=add_counts(record.statuses for record in shards.values()),
        totals=_totals(last, shards),
        tables=_models_table(by_model)
        | _passed_over(last.run.passed_over)
        | {title: rows for each in stages for title, rows in stage_tables(each.stage.finished()).items()},
        figures=last.finished().all_figures().anonymous(),
        files=tuple(files),
        signposts=tuple(signpost for each in stages for signpost in each.stage.run.signposts),
        started=last.run.created,
        finished="",
    )


def _counted(stage: StageDirectory) -> CountedStage:
    shards = _complete(stage)
    return CountedStage(stage, shards, _side_objects(stage, shards))


def _complete(stage: StageDirectory) -> dict[int, FileRecord]:
    found = stage.committed()
    missing = [shard for shard in range(stage.run.plan.shards) if shard not in found]
    if missing:
        named = ", ".join(str(shard) for shard in missing[:_NAMED])
        raise IncompleteError(f"{counted(len(missing), 'shard')} missing (first: {named}): run the same command again")
    for shard, record in found.items():
        if record.rows != stage.run.plan.shard_rows(shard) or sum((record.statuses or {}).values()) != record.rows:
            raise VerificationError(f"shard {shard} has other rows than its plan: the run is damaged")
    return found


def _totals(stage: StageDirectory, shards: Mapping[int, FileRecord]) -> dict[str, float]:
    """What the declared columns come to; a mean of no value is left out."""
    found = {}
    for column in stage.run.columns:
        parts = [(shards[shard].totals or {}).get(column.name, (0.0, 0)) for shard in sorted(shards)]
        total, number = sum(part[0] for part in parts), sum(part[1] for part in parts)
        if column.total and number:
            found[column.name] = total / number if column.total == "mean" else total
    return found


def _models_table(by_model: Mapping[str, Mapping[str, int]]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """What became of the records in each of several models: their own status tells only of all models together."""
    rows = tuple(
        {"model": model, "status": status, "records": count}
        for model, counts in by_model.items()
        for status, count in counts.items()
    )
    return {BY_MODEL: rows} if rows else {}


def _passed_over(found: Mapping[str, int]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    rows = tuple({"what": what, "number": number} for what, number in found.items())
    return {"passed over, no records": rows} if rows else {}


def stage_tables(stage: FinishedStage) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The tables that a stage's columns declare, by title."""
    titles = {column.name: column.table for column in stage.run.columns if column.table}
    if not titles:
        return {}
    rows = stage.all_rows(list(titles))
    cells = {title: rows[name].to_pylist() for name, title in titles.items()}
    return {title: tuple(row for cell in found for row in cell or ()) for title, found in cells.items()}


def _side_objects(stage: StageDirectory, shards: Mapping[int, FileRecord]) -> list[FileRecord]:
    vouching = [shards[shard] for shard in sorted(shards) if shards[shard].side]
    with ThreadPoolExecutor(_READS) as pool:
        return [record for part in pool.map(partial(side_objects, stage), vouching) for record in part]


def file_record(store: Store, key: str) -> FileRecord:
    """An object that is neither rows nor beside them. Raises VerificationError where it is gone."""
    head = store.head(key)
    if head is None:
        raise VerificationError(f"{key.rsplit('/', 1)[-1]} is missing: the run is damaged")
    # A local disk keeps no digest beside a file: there it is read once more.
    return FileRecord(key=key, bytes=head.size, sha256=head.metadata.get("sha256") or store.sha256(key))


def _commit(stage: StageDirectory, manifest: Manifest) -> None:
    crashpoint("manifest.before_put")
    commit(stage.store, MANIFEST_KEY, manifest.encode(), fingerprint=manifest.fingerprint, attempt=manifest.attempt)
    crashpoint("manifest.after_put")
