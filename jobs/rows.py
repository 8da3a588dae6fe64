"""The records of a run that have some status, and why: only the columns that say so are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

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
    """One record, what became of it, and why; the models' values by column where they are asked for."""

    record_id: str
    status: str
    detail: str
    values: Mapping[str, Any] = field(default_factory=dict)


def rows_with(
    store: Store, statuses: Sequence[str], model: str | None = None, *, values: bool = False
) -> Iterator[Row]:
    """Rows in plan order, of the shards that are there, complete run or not.

    `model` goes by what became of the record in that model, where the run has several. `values`: with the columns of
    the models, or of that one. Raises UsageError where no run lies, or for a model that it does not have.
    """
    run = existing_run(store)
    column = run.status_column(model)
    named = [one.name for one in run.columns if model in (None, one.model)] if values else []
    wanted_columns = ["record_id", "detail", *dict.fromkeys([column, *named])]
    shards = shard_records(StageDirectory(store, "", run), read_manifest(store))
    wanted = (record for _, record in sorted(shards.items()) if column != "status" or _has_any(record, statuses))
    with ThreadPoolExecutor(_READS) as pool:
        for part in _in_parts(wanted):
            for table in pool.map(lambda record: _read(store, run, record, column, statuses, wanted_columns), part):
                yield from _rows(table, column, named)


def _has_any(record: FileRecord, statuses: Sequence[str]) -> bool:
    return any((record.statuses or {}).get(status) for status in statuses)


def _in_parts(records: Iterable[FileRecord]) -> Iterator[list[FileRecord]]:
    left = iter(records)
    while part := list(islice(left, _READS)):
        yield part


def _read(
    store: Store, run: RunFile, record: FileRecord, column: str, statuses: Sequence[str], columns: Sequence[str]
) -> pa.Table:
    return with_status(read_shard(store, record.key, run.fingerprint, columns), column, statuses)


def _rows(table: pa.Table, column: str, named: Sequence[str]) -> Iterator[Row]:
    for row in table.to_pylist():
        yield Row(row["record_id"], row[column], row["detail"] or "", {name: row[name] for name in named})
