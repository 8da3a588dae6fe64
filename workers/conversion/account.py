"""Stage `account`: one row for each record of the input that says what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.rows import OutputColumn
from schemas.status import Status
from workers.pipeline.context import StageContext
from workers.pipeline.frames import read_frame
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows


class AccountStage(ShardStage):
    """A shard is a slice of all records in the order of the input.

    A table of outcomes has `status`, `reason` and the stage's `columns` for each record, in their order.
    """

    def __init__(self, context: StageContext, columns: Sequence[OutputColumn]) -> None:
        self.context = context
        self._columns = columns
        self._last: tuple[str, pl.DataFrame] = ("", pl.DataFrame())

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """What became of each planned record, as the chunks of stage `read` say it."""
        planned = pl.DataFrame(pl.from_arrow(records.select(["part", "row"])))
        slices = planned.group_by(pl.col("part").rle_id().alias("run"), "part", maintain_order=True).agg("row")
        pairs = zip(slices["part"].to_list(), slices["row"].to_list(), strict=True)
        found = pl.concat([self.outcomes(part, rows) for part, rows in pairs])
        statuses = [Status(name) for name in found["status"]]
        details = [None if status == Status.OK else why for status, why in zip(statuses, found["reason"], strict=True)]
        values = {**{column.name: found[column.name].to_arrow() for column in self._columns}, **self.more(found)}
        return ShardTable(build_rows(records, self.context.layout, values, statuses, details))

    def outcomes(self, part: str, rows: Sequence[int]) -> pl.DataFrame:
        """These rows of an object of outcomes. Neighbouring shards share one, so the last is kept."""
        if self._last[0] != part:
            self._last = part, read_frame(self.context.store, part)
        return self._last[1][rows]

    def more(self, found: pl.DataFrame) -> Mapping[str, Any]:
        """Columns of the rows that the outcomes `found` do not hold as they are; none here."""
        return {}
