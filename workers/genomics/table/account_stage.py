"""Stage `account`: one row per record of the source that says what became of it."""

from __future__ import annotations

import time

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.rows import OutputColumn
from schemas.status import Status
from workers.engine.context import StageContext
from workers.engine.kinds import ShardTable
from workers.engine.rowtable import build_rows
from workers.genomics.table.layout import ACCOUNT

COLUMNS = tuple(
    OutputColumn(name=name, type=kind, meaning=meaning, model=ACCOUNT, output=name)
    for name, kind, meaning in (
        ("outcome", "string", "converted, split, skipped or unreadable"),
        ("reason", "string", "why it was not converted, or not all of it"),
        ("chrom", "string", "chromosome, where it could be read"),
        ("pos", "int32", "position, where it could be read"),
        ("n_variants", "int32", "variants of the table that come from it"),
    )
)


class AccountStage:
    """Implements `workers.engine.kinds.ShardStage`. A shard is a slice of all records in the order of the input."""

    def __init__(self, context: StageContext) -> None:
        self.core_seconds = 0.0
        self._context = context
        self._last: tuple[str, pl.DataFrame] = ("", pl.DataFrame())

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """What became of each planned record, as the chunks of stage `read` say it."""
        began = time.thread_time()
        planned = pl.DataFrame(pl.from_arrow(records.select(["part", "row"])))
        slices = planned.group_by(pl.col("part").rle_id().alias("run"), "part", maintain_order=True).agg("row")
        found = pl.concat(
            self._outcomes(part)[rows.to_list()] for part, rows in zip(slices["part"], slices["row"], strict=True)
        )
        statuses = [Status(name) for name in found["status"]]
        details = [None if status == Status.OK else why for status, why in zip(statuses, found["reason"], strict=True)]
        values = {column.name: found[column.name].to_arrow() for column in COLUMNS}
        table = build_rows(records, self._context.layout, values, statuses, details)
        self.core_seconds += time.thread_time() - began
        return ShardTable(table)

    def _outcomes(self, key: str) -> pl.DataFrame:
        """Neighbouring shards share an object, so the last one is kept."""
        if self._last[0] != key:
            table = pq.read_table(self._context.store.open_reader(key), use_threads=False)
            self._last = key, pl.DataFrame(pl.from_arrow(table))
        return self._last[1]

    def close(self) -> None:
        """Nothing runs in the background."""
