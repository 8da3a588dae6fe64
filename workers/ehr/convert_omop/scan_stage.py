"""Stage `scan`: which rows there are, by their primary keys."""

from contextlib import suppress

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, Store
from schemas.rows import stage_columns
from schemas.status import Status
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.convert_omop.versions import seen_rows
from workers.ehr.meds.chunks import chunk_of
from workers.ehr.meds.layout import SCAN
from workers.ehr.meds.versions_stage import publish_seen
from workers.finished_runs.side import SideObjectRef
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    SCAN,
    ("part_events", "list<int64>", "rows with a key in each part of the chunk"),
    ("event_keys", "list<string>", "where they lie"),
)


class ScanStage(ShardStage):
    """A shard is one chunk. What of it cannot be had is not told here: stage `read` accounts for it."""

    def __init__(self, context: StageContext, store: Store, source: OmopInput, rules: OmopRules) -> None:
        self._context = context
        self._store = store
        self._source = source
        self._rules = rules

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write what is seen in one chunk."""
        (row,) = records.to_pylist()
        chunk = chunk_of(row)
        rule = self._rules.tables.get(chunk.kind or "")
        vouched: list[SideObjectRef] = []
        counts: list[int] = []
        with suppress(ObjectMissing, ObjectChanged):
            rows_of = table_rows(self._store, chunk, row["size"], rule.columns(), self._source) if rule else ()
            for number, rows in enumerate(rows_of):
                assert rule is not None
                seen = seen_rows(rows, chunk.file, chunk.kind or "", rule)
                counts.append(seen.height)
                vouched.append(publish_seen(self._context, shard, number, seen))
        values = {"part_events": [counts], "event_keys": [[ref.key for ref in vouched]]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), vouched=vouched)
