"""Stage `sort`: all events of a range of subjects, gathered from every chunk, become one file of the dataset."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.rows import stage_columns
from schemas.status import Status
from workers.conversion.layout import READ
from workers.ehr.meds.clock import to_utc
from workers.ehr.meds.earlier import EventParts, event_keys, ranks_at
from workers.ehr.meds.hash_slots import with_subject_ids
from workers.ehr.meds.layout import SORT, data_key
from workers.ehr.meds.parts import EVENTS
from workers.ehr.meds.precision import KNOWN_AT, TIME_PRECISION
from workers.ehr.meds.tally import CLOCK
from workers.finished_runs.stage import stage_at
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows, stamp

COLUMNS = stage_columns(
    SORT,
    ("n_events", "int64", "rows of the file"),
    ("n_subjects", "int64", "subjects in it"),
    ("clock", CLOCK, "its events with a time, by where their zone is from"),
)
SCHEMA = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        # MEDS asks for 64-bit offsets here: the notes of one file may be more than 2 GiB.
        pa.field("text_value", pa.large_string()),
        pa.field("unit", pa.string()),
        pa.field("visit_id", pa.string()),
        pa.field("end", pa.timestamp("us")),
        pa.field("range_low", pa.float32()),
        pa.field("range_high", pa.float32()),
        pa.field("interpretation", pa.string()),
        pa.field("qualifier", pa.string()),
        pa.field(TIME_PRECISION, pa.string()),
        pa.field(KNOWN_AT, pa.timestamp("us")),
    ]
)
"""Columns of MEDS 0.4 data, and those that it allows a source to add."""
EXTENSIONS = tuple(SCHEMA.names[5:])
"""The latter."""
_ROW_GROUP = 65_536


class SortStage(ShardStage):
    """A shard is one range of hash slots; without subjects it has no
    file.
    """

    def __init__(self, context: StageContext, text_ids: bool, timezone: str | None) -> None:
        self._context = context
        self._timezone = timezone
        self._parts = EventParts(context.store, event_keys(stage_at(context.store, READ)))
        self._ranks = ranks_at(context.store) if text_ids else {}

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write one file of the dataset: the events of a range of hash slots, in order of subject and time."""
        (row,) = records.to_pylist()
        found = self._parts.between(row["low"], row["high"], ["slot", "subject", *EVENTS])
        side, subjects, clock = [], 0, []
        if found.height:
            events = to_utc(with_subject_ids(found, self._ranks), self._timezone)
            events = events.sort("subject_id", "time", "file", "position", "event")
            clock = clock_counts(events)
            subjects = events["subject_id"].n_unique()
            side = [SideObject(data_key(shard), encode_data(events, self._context.run.fingerprint))]
        values = {"n_events": [found.height], "n_subjects": [subjects], "clock": [clock]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side)

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()


def clock_counts(events: pl.DataFrame) -> list[dict[str, Any]]:
    """Events with a time by where their zone is from, for `workers.ehr.meds.tally.add_clocks`."""
    timed = events.filter(pl.col("clock").is_not_null())
    return (
        timed.group_by("clock").agg(events=pl.len().cast(pl.Int64)).sort("clock").rename({"clock": "zone"}).to_dicts()
    )


def encode_data(events: pl.DataFrame, fingerprint: str, row_group: int = _ROW_GROUP) -> bytes:
    """A file of MEDS data from sorted events. No row group ends within a subject."""
    table = events.select(SCHEMA.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(SCHEMA)
    stamped = stamp(table, fingerprint)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, stamped.schema, compression="zstd") as writer:
        for start, stop in subject_groups(events["subject_id"].to_numpy(), row_group):
            writer.write_table(stamped.slice(start, stop - start), row_group_size=stop - start)
    return bytes(sink.getvalue())


def subject_groups(ids: np.ndarray[tuple[int], np.dtype[np.int64]], rows: int) -> Iterator[tuple[int, int]]:
    """Row groups that end where a subject ends: the first time at `rows` rows or later."""
    ends = np.append(np.flatnonzero(ids[1:] != ids[:-1]) + 1, len(ids))
    start = 0
    while start < len(ids):
        stop = int(ends[min(int(np.searchsorted(ends, start + rows)), len(ends) - 1)])
        yield start, stop
        start = stop
