"""A part of a chunk after mapping: its events, what became of its records, and the codes it used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from schemas.status import Status
from workers.ehr.meds.hash_slots import slots_of
from workers.pipeline.frames import encode_frame

SubjectType = type[pl.String] | type[pl.Int64]
"""Whether the source names its subjects by text or by number."""

EVENTS: dict[str, Any] = {
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    "file": pl.Int32,
    "position": pl.Int64,
    "event": pl.Int32,
}
"""Columns of events after `subject` (text or int64). `time` is UTC without a zone, null where it holds for life. File,
position in it and number among the events of that record are the order of the source."""

OUTCOMES: dict[str, Any] = {
    "status": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "kind": pl.String,
    "n_events": pl.Int64,
}
"""Columns of outcomes after `subject`; one row per record, in the order of the source."""

CONVERTED = "converted"
IGNORED = "ignored"
UNREADABLE = "unreadable"

BLANK = "an empty line"
"""Why a record is ignored that is none."""

_ORDER = ("slot", "subject", "time", "file", "position", "event")
_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Part:
    """What a reader made of some neighbouring records. `codes` has a description for each code, or None."""

    events: pl.DataFrame
    outcomes: pl.DataFrame
    codes: Mapping[str, str | None] = field(default_factory=dict)


def events_frame(subject: SubjectType, columns: Mapping[str, object]) -> pl.DataFrame:
    """Events from lists by column name."""
    return pl.DataFrame(columns, schema={"subject": subject, **EVENTS})


def outcomes_frame(subject: SubjectType, columns: Mapping[str, object]) -> pl.DataFrame:
    """Outcomes from lists by column name."""
    return pl.DataFrame(columns, schema={"subject": subject, **OUTCOMES})


def failed_part(subject: SubjectType, status: Status, reason: str, kind: str | None) -> Part:
    """The one record that stands for what could not be read at all."""
    row = {
        "subject": [None],
        "status": [str(status)],
        "outcome": [UNREADABLE],
        "reason": [reason],
        "kind": [kind],
        "n_events": [0],
    }
    return Part(events_frame(subject, {}), outcomes_frame(subject, row))


def encode_events(events: pl.DataFrame, fingerprint: str) -> bytes:
    """Parquet by hash slot, in small row groups whose statistics say which slots are in them."""
    slotted = events.with_columns(slot=slots_of(events["subject"])).sort(*_ORDER)
    return encode_frame(slotted.select("slot", "subject", *EVENTS), fingerprint, row_group=_ROW_GROUP)
