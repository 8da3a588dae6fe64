"""What a spec says of collection `notes`. Imports no reader: the driver reads this too."""

from typing import Literal

from pydantic import Field, field_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter

MIB = 1 << 20

NotesFormat = Literal["parquet", "csv", "ndjson", "omop", "fhir"]
Resource = Literal["DocumentReference", "DiagnosticReport"]


class NotesInput(Frozen):
    """`input:` of a spec over clinical notes.

    `uri` is a file, or a prefix of files of one format; `glob` filters keys relative to the prefix. CSV, TSV and
    NDJSON may be compressed (`.gz`). `format: auto` goes by the names of the files, and by the columns or the first
    line: `omop` is the table NOTE of the OMOP CDM in Parquet or CSV, `fhir` the `resources` of a bulk export (NDJSON)
    or of Bundles, on lines or in files of JSON.

    `record_id`, `subject_id`, `time`, `type` and `text` name columns, or keys of NDJSON. Not given, they are `note_id`,
    `subject_id`, `note_time`, `note_type` and `text`; of OMOP `note_id`, `person_id`, `note_datetime` (else
    `note_date`), `note_class_concept_id` and `note_text`. Only `record_id` and `text` have to be there. `carry` names
    columns or keys that come along to the output; of CSV and NDJSON they are text. `keep_text` writes the text too.

    `time` is a time of its own type or ISO 8601 text, or text as `time_format` says (strptime). With a zone it becomes
    UTC, without one it stays as it is. A note whose time cannot be read is scored; its `note_time` is null and
    `detail` says so.

    `encoding` is that of CSV and NDJSON. A note with bytes that are no text is `unreadable`, or with `errors: replace`
    has U+FFFD in their place. `max_bytes` bounds a record as stored (inflated, of a compressed file), `max_chars` its
    text: what is larger is `too_large`.

    A line of CSV or NDJSON that cannot be read is a record `<key>#<line>`, counted from 1. So is the place where a
    compressed file is cut off or damaged, and a quote in CSV that is never closed: that record stands for all that may
    have followed.
    """

    collection: Literal["notes"] = Field(description="notes: clinical texts")
    uri: Location = Field(description="a file, or a prefix of files of one format")
    format: Literal["auto"] | NotesFormat = Field(
        default="auto", description="what the files are; auto goes by their names, and by the columns or the first line"
    )
    glob: str | None = Field(default=None, description="pattern that keys relative to the prefix must match")
    record_id: str | None = Field(default=None, description="column or key of ids; by default note_id")
    subject_id: str | None = Field(
        default=None, description="column or key that says whose note it is; by default subject_id, of OMOP person_id"
    )
    time: str | None = Field(
        default=None,
        description="column or key of the note's time; by default note_time, of OMOP note_datetime or else note_date",
    )
    type: str | None = Field(
        default=None,
        description="column or key of the kind of note; by default note_type, of OMOP note_class_concept_id",
    )
    text: str | None = Field(default=None, description="column or key of the text; by default text, of OMOP note_text")
    carry: tuple[str, ...] = Field(
        default=(), description="columns or keys that come along to the output; of CSV and NDJSON they are text"
    )
    keep_text: bool = Field(default=False, description="whether the text itself is written beside what was found in it")
    resources: tuple[Resource, ...] = Field(
        default=("DocumentReference",), min_length=1, description="of a FHIR export: which resources hold the notes"
    )
    delimiter: Delimiter | None = Field(
        default=None, description="what stands between the fields of CSV; by default a comma, and a tab in .tsv"
    )
    encoding: Literal["utf-8", "latin-1", "cp1252"] = Field(
        default="utf-8", description="how the text of CSV and NDJSON is written"
    )
    errors: Literal["strict", "replace"] = Field(
        default="strict",
        description="what becomes of a note with bytes that are no text: unreadable, or U+FFFD in their place",
    )
    time_format: str | None = Field(
        default=None,
        description="how times are written where they are not ISO 8601, as strptime has it, such as %d.%m.%Y",
    )
    max_chars: int = Field(default=1_000_000, gt=0, description="characters of a note; more is too_large")
    max_bytes: int = Field(
        default=64 * MIB,
        gt=0,
        le=1024 * MIB,
        description="bytes of a record as stored (inflated, of a compressed file); more is too_large",
    )

    @field_validator("time_format")
    @classmethod
    def _reads_something(cls, value: str | None) -> str | None:
        if value is not None and "%" not in value:
            raise ValueError(f"{value!r} reads no time: write it as strptime has it, such as %d.%m.%Y")
        return value


ONLY_REFUSE = ("max_chars", "max_bytes")
"""Limits that decide nothing but which records are refused."""

INPUT = NotesInput
"""What `input:` of a spec is checked against; every collection's `settings` module has one."""
