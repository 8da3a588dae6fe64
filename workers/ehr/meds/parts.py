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

EXTRA: dict[str, Any] = {
    "unit": pl.String,
    "visit_id": pl.String,
    "range_low": pl.Float32,
    "range_high": pl.Float32,
    "interpretation": pl.String,
    "qualifier": pl.String,
}
"""Columns that a dataset has beside those of MEDS, as the source says them; null in most events."""

EVENTS: dict[str, Any] = {
    "time": pl.Datetime("us"),
    "offset": pl.Int16,
    "precision": pl.String,
    "end": pl.Datetime("us"),
    "end_offset": pl.Int16,
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    **EXTRA,
    "file": pl.Int32,
    "position": pl.Int64,
    "event": pl.Int32,
}
"""Columns of events after `subject` (text or int64).

`time` is what the source's clock showed, null where an event holds for life, and `offset` how many minutes that clock
was ahead of UTC, null where it does not say; `precision` is one of `workers.ehr.meds.precision`, null for a moment.
`end` is the last moment of what has a duration. File, position in it and number among the events of that record are the
order of the source."""

OUTCOMES: dict[str, Any] = {
    "status": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "kind": pl.String,
    "n_events": pl.Int64,
    "left_out": pl.List(pl.String),
}
"""Columns of outcomes after `subject`; one row per record, in the order of the source. `left_out` are the elements of a
converted record that no event has."""

CONVERTED = "converted"
PARTLY = "partly"
"""Some of what a record says of the patient is in the dataset, and some is not."""
IGNORED = "ignored"
UNREADABLE = "unreadable"

Element = tuple[str, str, str | None]
"""Kind of record, element of it, and why it was left out; None where it was converted."""

_ORDER = ("slot", "subject", "time", "file", "position", "event")
_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Part:
    """What a reader made of some neighbouring records. `codes` has a description for each code, or None; `elements`
    counts records in which an element of a kind was converted (no reason) or left out (the reason)."""

    events: pl.DataFrame
    outcomes: pl.DataFrame
    codes: Mapping[str, str | None] = field(default_factory=dict)
    elements: Mapping[Element, int] = field(default_factory=dict)


def events_frame(subject: SubjectType, columns: Mapping[str, object]) -> pl.DataFrame:
    """Events from lists by column name; a column that is not there is null."""
    schema = {"subject": subject, **EVENTS}
    given = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    return with_all_columns(given, subject)


def with_all_columns(events: pl.DataFrame, subject: SubjectType) -> pl.DataFrame:
    """The events with every column there is, null where they had none."""
    schema = {"subject": subject, **EVENTS}
    lacking = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in events.columns]
    return events.with_columns(lacking).select(list(schema))


def outcomes_frame(subject: SubjectType, columns: Mapping[str, object]) -> pl.DataFrame:
    """Outcomes from lists by column name. `left_out` may be missing: nothing was."""
    schema = {"subject": subject, **OUTCOMES}
    given = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    return given.with_columns(pl.lit(None, schema[n]).alias(n) for n in schema if n not in columns).select(list(schema))


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
