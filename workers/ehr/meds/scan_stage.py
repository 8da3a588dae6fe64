"""Stage `scan`: which records there are, by what names them, before any is read."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, sha256_of
from schemas.rows import OutputColumn, stage_columns
from schemas.status import Status
from workers.ehr.meds.chunks import Chunk, chunk_of
from workers.ehr.meds.hash_slots import slots_of
from workers.ehr.meds.layout import SCAN, seen_key
from workers.finished_runs.side import SideObjectRef
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.publish import publish_side
from workers.pipeline.rowtable import build_rows

_ROW_GROUP = 65_536


def scan_columns(*more: tuple[str, str, str]) -> tuple[OutputColumn, ...]:
    """Columns of the stage's rows; `more` are those of a format: name, type, meaning."""
    return stage_columns(
        SCAN,
        ("part_events", "list<int64>", "records with a name in each part of the chunk"),
        ("event_keys", "list<string>", "where they lie"),
        *more,
    )


class ScanStage(ShardStage):
    """A shard is one chunk. What of it cannot be had is not told here: stage `read` accounts for it."""

    def __init__(self, context: StageContext) -> None:
        self._context = context

    @abstractmethod
    def seen(self, chunk: Chunk, size: int) -> Iterator[tuple[pl.DataFrame, Sequence[Any]]]:
        """Records with a name in each part of a chunk (`subject` names them), and what else the format has to know."""

    def more(self, known: Sequence[Any]) -> Mapping[str, Any]:
        """Values of the format's own columns, from what else `seen` gave of all parts."""
        return {}

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write what is seen in one chunk."""
        (row,) = records.to_pylist()
        vouched: list[SideObjectRef] = []
        counts: list[int] = []
        known: list[Any] = []
        with suppress(ObjectMissing, ObjectChanged):
            for number, (seen, more) in enumerate(self.seen(chunk_of(row), row["size"])):
                known += more
                counts.append(seen.height)
                vouched.append(self._publish(shard, number, seen))
        values = {"part_events": [counts], "event_keys": [[ref.key for ref in vouched]], **self.more(known)}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), vouched=vouched)

    def _publish(self, shard: int, number: int, seen: pl.DataFrame) -> SideObjectRef:
        slotted = seen.with_columns(slot=slots_of(seen["subject"])).sort("slot", "subject", "position", "number")
        body = encode_frame(slotted.select("slot", *seen.columns), self._context.run.fingerprint, row_group=_ROW_GROUP)
        return publish_side(self._context, SideObject(seen_key(shard, number, sha256_of(body)), body))
