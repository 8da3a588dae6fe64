"""Stage `account`: one row for each record of the input, and what became of it."""

from __future__ import annotations

import time

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.rows import OutputColumn
from schemas.status import Status
from workers.ehr.meds.earlier import ranks_at
from workers.ehr.meds.hash_slots import slots_of, with_subject_ids
from workers.ehr.meds.layout import ACCOUNT, NO_PART
from workers.ehr.meds.parts import failed_part
from workers.engine.context import StageContext
from workers.engine.kinds import ShardTable
from workers.engine.rowtable import build_rows

COLUMNS = tuple(
    OutputColumn(name=name, type=kind, meaning=meaning, model=ACCOUNT, output=name)
    for name, kind, meaning in (
        ("outcome", "string", "converted, ignored or unreadable"),
        ("reason", "string", "why it was not converted, or not all of it"),
        ("kind", "string", "its resource type or table"),
        ("n_events", "int64", "events in the dataset that come from it"),
    )
)


class AccountStage:
    """Implements `workers.engine.kinds.ShardStage`. A shard is a slice of all records in the order of the input."""

    def __init__(self, context: StageContext, text_ids: bool) -> None:
        self.core_seconds = 0.0
        self._context = context
        self._text_ids = text_ids
        self._ranks = ranks_at(context.store) if text_ids else {}
        self._last: tuple[str, pl.DataFrame] = ("", pl.DataFrame())

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """What became of each planned record, as the chunks of stage `read` say it."""
        began = time.thread_time()
        planned = pl.DataFrame(pl.from_arrow(records.select(["part", "row"])))
        slices = planned.group_by(pl.col("part").rle_id().alias("run"), "part", maintain_order=True).agg("row")
        found = pl.concat([self._outcomes(part, rows) for part, rows in _pairs(slices)])
        ids = self._subject_ids(found)
        statuses = [Status(name) for name in found["status"]]
        reasons = found["reason"].to_list()
        details = [None if status == Status.OK else why for status, why in zip(statuses, reasons, strict=True)]
        values = {column.name: found[column.name].to_arrow() for column in COLUMNS} | {"subject_id": ids}
        table = build_rows(records, self._context.layout, values, statuses, details)
        self.core_seconds += time.thread_time() - began
        return ShardTable(table)

    def _outcomes(self, key: str, rows: pl.Series) -> pl.DataFrame:
        """Neighbouring shards share a part, so the last one is kept."""
        if key == NO_PART:
            kind = pl.String if self._text_ids else pl.Int64
            reason = "the file has {} records, not as many as its source promised"
            return pl.concat(
                failed_part(kind, Status.UNREADABLE, reason.format(there), None).outcomes for there in rows.to_list()
            )
        if self._last[0] != key:
            table = pq.read_table(self._context.store.open_reader(key), use_threads=False)
            self._last = key, pl.DataFrame(pl.from_arrow(table))
        return self._last[1][rows.to_list()]

    def _subject_ids(self, found: pl.DataFrame) -> pa.Array:
        """As text; null where a record gave no events."""
        numbered = found.with_row_index("at")
        known = numbered.filter(pl.col("subject").is_not_null() & (pl.col("n_events") > 0))
        slotted = with_subject_ids(known.with_columns(slot=slots_of(known["subject"])), self._ranks)
        ids = numbered.join(slotted.select("at", "subject_id"), "at", "left", maintain_order="left")["subject_id"]
        return ids.cast(pl.String).to_arrow().cast(pa.string())

    def close(self) -> None:
        """Nothing runs in the background."""


def _pairs(slices: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    return list(zip(slices["part"].to_list(), slices["row"], strict=True))
