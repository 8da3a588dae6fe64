"""Stage `subjects`: text ids get their number, and a table that leads back from it."""

import polars as pl
import pyarrow as pa

from schemas.rows import stage_columns
from schemas.status import Status
from workers.conversion.layout import READ
from workers.ehr.meds.earlier import EventParts, event_keys
from workers.ehr.meds.hash_slots import ranks_of, with_subject_ids
from workers.ehr.meds.layout import SUBJECTS, subjects_key
from workers.finished_runs.stage import stage_at
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    SUBJECTS,
    ("n_subjects", "int64", "subjects of this range of hash slots"),
    ("shared", "list<struct<subject: string, rank: int64>>", "ids that share their slot, and their rank there"),
)


class SubjectsStage(ShardStage):
    """A shard is one range of hash slots."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._parts = EventParts(context.store, event_keys(stage_at(context.store, READ)))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the numbers of the text ids whose hash slots are in one range."""
        (row,) = records.to_pylist()
        found = self._parts.between(row["low"], row["high"], ["slot", "subject"])
        # A range in which no chunk has anything comes without columns.
        if not found.width:
            found = pl.DataFrame(schema={"slot": pl.Int64, "subject": pl.String})
        ranked = ranks_of(found.unique())
        others = ranked.filter(pl.col("rank") > 0)
        ids = with_subject_ids(ranked, dict(others.select("subject", "rank").iter_rows()))
        body = encode_frame(
            ids.select("subject_id", source_id="subject").sort("subject_id"), self._context.run.fingerprint
        )
        values = {"n_subjects": [ranked.height], "shared": [others.select("subject", "rank").to_dicts()]}
        return ShardTable(
            build_rows(records, self._context.layout, values, [Status.OK]), [SideObject(subjects_key(shard), body)]
        )

    def close(self) -> None:
        """Stop reading."""
        self._parts.close()
