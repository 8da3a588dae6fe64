"""Stage `versions`: of each record that the source has several times, which one counts."""

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import Store
from schemas.rows import stage_columns
from schemas.status import Status
from workers.ehr.meds.earlier import EventParts, event_keys
from workers.ehr.meds.layout import SCAN, VERSIONS, superseded_key
from workers.finished_runs.stage import stage_at
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame, read_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    VERSIONS,
    ("n_superseded", "int64", "records of this range of hash slots of which another one counts"),
    ("superseded_key", "string", "where they lie; null where there are none"),
)
SUPERSEDED: dict[str, Any] = {"file": pl.Int32, "position": pl.Int64, "number": pl.Int32, "reason": pl.String}
"""A record of which another one counts: its place, and why."""


class VersionsStage(ShardStage):
    """A shard is one range of hash slots of what names records.

    `superseded` says which of some seen records do not count; `seen` are the columns that it needs.
    """

    def __init__(
        self, context: StageContext, seen: Iterable[str], superseded: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> None:
        self._context = context
        self._seen = tuple(seen)
        self._superseded = superseded
        self._parts = EventParts(context.store, event_keys(stage_at(context.store, SCAN)))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the records of one range that do not count."""
        (row,) = records.to_pylist()
        seen = self._parts.between(row["low"], row["high"], ["slot", *self._seen])
        found = self._superseded(seen.drop("slot")) if seen.height else pl.DataFrame(schema=SUPERSEDED)
        key = superseded_key(shard) if found.height else None
        side = [SideObject(key, encode_frame(found, self._context.run.fingerprint))] if key else []
        values = {"n_superseded": [found.height], "superseded_key": [key]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side)

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()


class SupersededByFile:
    """What stage `versions` found, file by file."""

    def __init__(self, store: Store) -> None:
        keys = stage_at(store, VERSIONS).all_rows(["superseded_key"])["superseded_key"].to_pylist()
        frames = [read_frame(store, key) for key in keys if key]
        self._found = pl.concat(frames) if frames else pl.DataFrame(schema=SUPERSEDED)
        self._last: tuple[int, pl.DataFrame] = (-1, self._found.clear())

    def of(self, file: int) -> pl.DataFrame:
        """Records of one file of which another one counts, as `SUPERSEDED`; those of the last file are kept."""
        if self._last[0] != file:
            self._last = file, self._found.filter(pl.col("file") == file)
        return self._last[1]
