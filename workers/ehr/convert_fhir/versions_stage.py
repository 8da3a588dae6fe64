"""Stage `versions`: of each resource that the export has several times, which record counts."""

import polars as pl
import pyarrow as pa

from cluster.storage import Store
from schemas.rows import stage_columns
from schemas.status import Status
from workers.ehr.convert_fhir.layout import SCAN, VERSIONS, superseded_key
from workers.ehr.convert_fhir.mapper import Known
from workers.ehr.convert_fhir.versions import SEEN, SUPERSEDED, definitions, superseded
from workers.ehr.meds.earlier import EventParts, event_keys
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


class VersionsStage(ShardStage):
    """A shard is one range of hash slots of `Type/id`."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._parts = EventParts(context.store, event_keys(stage_at(context.store, SCAN)))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the records of one range that do not count."""
        (row,) = records.to_pylist()
        seen = self._parts.between(row["low"], row["high"], ["slot", *SEEN])
        found = superseded(seen.drop("slot")) if seen.height else pl.DataFrame(schema=SUPERSEDED)
        key = superseded_key(shard) if found.height else None
        side = [SideObject(key, encode_frame(found, self._context.run.fingerprint))] if key else []
        values = {"n_superseded": [found.height], "superseded_key": [key]}
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK]), side)

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()


class KnownByFile:
    """What the whole export says of the records of each file, as these stages left it."""

    def __init__(self, store: Store) -> None:
        keys = stage_at(store, VERSIONS).all_rows(["superseded_key"])["superseded_key"].to_pylist()
        frames = [read_frame(store, key) for key in keys if key]
        self._superseded = pl.concat(frames) if frames else pl.DataFrame(schema=SUPERSEDED)
        rows = stage_at(store, SCAN).all_rows(["defined"])["defined"].to_pylist()
        self._defined = definitions(item for row in rows for item in row)
        self._last: tuple[int, Known] = (-1, Known())

    def of(self, file: int) -> Known:
        """What concerns one file; that of the last one is kept."""
        if self._last[0] != file:
            rows = self._superseded.filter(pl.col("file") == file)
            found = {(position, number): reason for _, position, number, reason in rows.iter_rows()}
            self._last = file, Known(found, self._defined)
        return self._last[1]
