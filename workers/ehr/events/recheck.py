"""What of a row can be told from the source alone: how many events its history has, and when the last one was.

This goes another way than the run did: no index, no row ranges, no cut; whole columns of the files, and a filter.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, StorageSettings, Store, open_store
from schemas.status import Status
from workers.collection import Recheck
from workers.ehr.events.meds import DamagedFile, open_parquet
from workers.ehr.events.settings import EventsInput
from workers.ehr.meds.precision import KNOWN_AT, MIDNIGHT, TIME_PRECISION
from workers.reading.listing import planned_file
from workers.reading.parquet import damage_as

_CHECKABLE = (Status.OK, Status.NO_EVENTS, Status.INVALID_OUTPUT)
"""Rows whose history was read."""

_COLUMNS = ("subject_id", "time", TIME_PRECISION, KNOWN_AT)
_DAY = 86_400_000_000
"""Microseconds."""

File = tuple[str, str | None]


def recheck(source: EventsInput, storage: StorageSettings, records: pa.Table, rows: pa.Table) -> Recheck:
    """Count events of each history anew. Subjects that are not in the data are left out: nothing there can be read.

    Raises InfrastructureError where storage keeps failing: whether the source is gone is not known then.
    """
    store = open_store(source.uri, storage)
    planned, written = _numbered(records).to_pylist(), _numbered(rows).to_pylist()
    checkable = [place for place, row in enumerate(written) if row["status"] in _CHECKABLE and planned[place]["rows"]]
    needed: dict[File, set[int]] = {}
    for place in checkable:
        for file in _files(planned[place]):
            needed.setdefault(file, set()).add(int(planned[place]["subject_id"]))
    found = {file: _events(store, file, subjects) for file, subjects in needed.items()}
    gone, wrong = 0, []
    for place in checkable:
        parts = [found[file] for file in _files(planned[place])]
        if any(part is None for part in parts):
            gone += 1
            continue
        events = pl.concat((part for part in parts if part is not None), how="diagonal")
        if not _agrees(events, planned[place], written[place], source):
            wrong.append(place)
    return Recheck(len(checkable) - gone, gone, tuple(wrong))


def _files(record: Mapping[str, Any]) -> list[File]:
    more = record.get("more_runs") or ()
    return list(dict.fromkeys([(record["uri"], record["etag"]), *((run["uri"], run["etag"]) for run in more)]))


def _events(store: Store, file: File, subjects: Iterable[int]) -> pl.DataFrame | None:
    """Times of these subjects; None where the file is gone, changed or damaged. Raises InfrastructureError."""
    key = file[0].removeprefix(store.uri.rstrip("/") + "/")
    try:
        planned_file(store, key, file[1])
        opened = open_parquet(store, key)
        with damage_as(DamagedFile()):
            names = [name for name in _COLUMNS if name in opened.schema_arrow.names]
            batches = opened.iter_batches(columns=names, use_threads=False)
            chosen = pl.col("subject_id").is_in(list(subjects))
            frames = [pl.DataFrame(batch).filter(chosen) for batch in batches]
    except (ObjectMissing, ObjectChanged, DamagedFile):
        return None
    return pl.concat(frames, how="diagonal")


def _agrees(events: pl.DataFrame, record: Mapping[str, Any], row: Mapping[str, Any], source: EventsInput) -> bool:
    time, when = pl.col("time").dt.epoch("us"), record["prediction_time"]
    known = time <= when
    known &= ~_may_be_later(events, when, source)
    history = events.filter((pl.col("subject_id") == int(record["subject_id"])) & (time.is_null() | known))
    last = history.select(time.max()).item()
    count = history.height if last is not None else 0
    return (count, last) == (row["n_events"], row["last_event_time"])


def _may_be_later(events: pl.DataFrame, when: int, source: EventsInput) -> pl.Expr:
    """Whether an event up to `when` has not certainly happened by then."""
    is_mixed = source.time_precision == "mixed"
    if KNOWN_AT not in events.columns:
        return (pl.col("time").dt.epoch("us") == when - when % _DAY) & is_mixed
    said = pl.col(KNOWN_AT).dt.epoch("us") > when
    counts = pl.lit(True) if is_mixed else pl.col(TIME_PRECISION) != MIDNIGHT
    return (said & counts).fill_null(False)


def _numbered(table: pa.Table) -> pa.Table:
    """Times as microseconds since 1970: a calendar of Python ends at the year 9999."""
    fields = [field.with_type(pa.int64()) if pa.types.is_timestamp(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))
