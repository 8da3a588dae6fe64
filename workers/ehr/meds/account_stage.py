"""Stage `account`: one row for each record of the input, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.rows import stage_columns
from workers.conversion.account import AccountStage
from workers.conversion.layout import ACCOUNT
from workers.ehr.meds import promises
from workers.ehr.meds.earlier import ranks_at
from workers.ehr.meds.hash_slots import slots_of, with_subject_ids
from workers.ehr.meds.layout import NO_PART
from workers.ehr.meds.parts import failed_part
from workers.pipeline.context import StageContext

COLUMNS = stage_columns(
    ACCOUNT,
    ("outcome", "string", "converted, partly, ignored or unreadable"),
    ("reason", "string", "why it was not converted, or not all of it"),
    ("kind", "string", "its resource type or table"),
    ("n_events", "int64", "events in the dataset that come from it"),
    ("left_out", "list<string>", "its elements that no event has; the manifest says why"),
)


class MedsAccountStage(AccountStage):
    """Adds the `subject_id` that a record's events have in the dataset, and rows for broken promises of the source."""

    def __init__(self, context: StageContext, text_ids: bool) -> None:
        super().__init__(context, COLUMNS)
        self._text_ids = text_ids
        self._ranks = ranks_at(context.store) if text_ids else {}

    def outcomes(self, part: str, rows: Sequence[int]) -> pl.DataFrame:
        """Outcomes of these records; a broken promise of the source has none stored, and is unreadable."""
        if part != NO_PART:
            return super().outcomes(part, rows)
        kind = pl.String if self._text_ids else pl.Int64
        return pl.concat(failed_part(kind, promises.STATUS, promises.reason_of(there), None).outcomes for there in rows)

    def more(self, found: pl.DataFrame) -> Mapping[str, Any]:
        """`subject_id` as text; null where a record gave no events."""
        numbered = found.with_row_index("at")
        known = numbered.filter(pl.col("subject").is_not_null() & (pl.col("n_events") > 0))
        slotted = with_subject_ids(known.with_columns(slot=slots_of(known["subject"])), self._ranks)
        ids = numbered.join(slotted.select("at", "subject_id"), "at", "left", maintain_order="left")["subject_id"]
        return {"subject_id": ids.cast(pl.String).to_arrow().cast(pa.string())}
