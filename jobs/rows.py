"""The records of a run that have some status, and why: only the columns that say so are read."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from cluster.storage import Store
from jobs.rundir import StageDirectory
from jobs.state import shard_records
from schemas.run import FileRecord, RunFile
from workers.finished_runs.documents import existing_run, read_manifest
from workers.finished_runs.shards import read_shard, with_status

_READS = 16
"""Shard objects read at a time."""


@dataclass(frozen=True)
class Row:
    """One record, what became of it, and why."""

    record_id: str
    status: str
    detail: str


def rows_with(store: Store, statuses: Sequence[str], model: str | None = None) -> Iterator[Row]:
    """Rows in plan order, of the shards that are there, complete run or not.

    `model` goes by what became of the record in that model, where the run has several. Raises UsageError where no run
    lies, or for a model that it does not have.
    """
    run = existing_run(store)
    column = run.status_column(model)
    shards = shard_records(StageDirectory(store, "", run), read_manifest(store))
    wanted = (record for _, record in sorted(shards.items()) if column != "status" or _has_any(record, statuses))
    with ThreadPoolExecutor(_READS) as pool:
        for part in _in_parts(wanted):
            for table in pool.map(lambda record: _read(store, run, record, column, statuses), part):
                yield from _rows(table, column)


def _has_any(record: FileRecord, statuses: Sequence[str]) -> bool:
    return any((record.statuses or {}).get(status) for status in statuses)


def _in_parts(records: Iterable[FileRecord]) -> Iterator[list[FileRecord]]:
    left = iter(records)
    while part := list(islice(left, _READS)):
        yield part


def _read(store: Store, run: RunFile, record: FileRecord, column: str, statuses: Sequence[str]) -> pa.Table:
    rows = read_shard(store, record.key, run.fingerprint, ["record_id", "detail", column])
    return with_status(rows, column, statuses)


def _rows(table: pa.Table, column: str) -> Iterator[Row]:
    ids, details = table.column("record_id").to_pylist(), table.column("detail").to_pylist()
    for record_id, status, detail in zip(ids, table.column(column).to_pylist(), details, strict=True):
        yield Row(record_id, status, detail or "")
