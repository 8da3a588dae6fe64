"""Stage `scan`: which resources there are, in which versions, and the codes that others refer to."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.rows import stage_columns
from schemas.status import Status
from workers.ehr.convert_fhir.coding import Vocabulary
from workers.ehr.convert_fhir.export import ExportLines
from workers.ehr.convert_fhir.versions import SEEN, scanned
from workers.ehr.meds.chunks import chunk_of
from workers.ehr.meds.layout import SCAN
from workers.ehr.meds.versions_stage import publish_seen
from workers.finished_runs.side import SideObjectRef
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    SCAN,
    ("part_events", "list<int64>", "records with an id in each part of the chunk"),
    ("event_keys", "list<string>", "where they lie"),
    ("defined", "list<struct<reference: string, code: string, description: string>>", "codes that others refer to"),
)


class ScanStage(ShardStage):
    """A shard is one chunk. What of it cannot be had is not told here: stage `read` accounts for it."""

    def __init__(
        self, context: StageContext, lines: ExportLines, defines: Mapping[str, str], vocabulary: Vocabulary
    ) -> None:
        self._context = context
        self._lines = lines
        self._defines = defines
        self._vocabulary = vocabulary

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write what is seen in one chunk."""
        (row,) = records.to_pylist()
        chunk = chunk_of(row)
        vouched: list[SideObjectRef] = []
        counts: list[int] = []
        defined: list[dict[str, Any]] = []
        with suppress(ObjectMissing, ObjectChanged):
            for number, lines in enumerate(self._lines.parts(chunk, row["size"])):
                seen, more = scanned(lines, chunk.file, self._defines, self._vocabulary)
                defined += more
                counts.append(seen.height)
                vouched.append(publish_seen(self._context, shard, number, seen.select(*SEEN)))
        values = {"part_events": [counts], "event_keys": [[ref.key for ref in vouched]], "defined": [defined]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), vouched=vouched)
