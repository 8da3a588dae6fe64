"""Under which names a table or a line of JSON holds the parts of a note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import RecordError, SpecError
from schemas.loading import nearest
from schemas.status import Status
from schemas.wording import in_short
from workers.ehr.notes.note import Identity, Note, as_text, as_value, first_of, make_note, sound
from workers.ehr.notes.settings import NotesInput
from workers.reading.csv_faults import other_separator

_PLAIN = {"record_id": "note_id", "subject_id": "subject_id", "time": "note_time", "type": "note_type", "text": "text"}
_OMOP = {
    "record_id": "note_id",
    "subject_id": "person_id",
    "time": "note_datetime",
    "type": "note_class_concept_id",
    "text": "note_text",
}
_OMOP_DATE = "note_date"
"""The only time that CDM 5.4 asks of every note."""
OMOP_COLUMNS = frozenset({"note_id", "person_id", "note_text"})
"""The columns by which a table NOTE is recognised."""


@dataclass(frozen=True)
class Layout:
    """Names of columns. `times` are tried in turn; None or no name where the input has none."""

    record_id: str
    subject_id: str | None
    times: tuple[str, ...]
    type: str | None
    text: str

    @property
    def reading(self) -> list[str]:
        """The columns that the text and what stands beside it are in."""
        return [self.text, *self.times, *([self.type] if self.type else [])]


def layout_of(source: NotesInput, is_omop: bool, columns: Sequence[str] | None) -> Layout:
    """The layout of a file with these columns; None: any key may come (NDJSON).

    Names of the OMOP CDM are found in any case. Raises SpecError for a column that is not there and must be.
    """
    defaults = _OMOP if is_omop else _PLAIN
    lower = {name.lower(): name for name in columns or ()} if is_omop else {}

    def find(part: str) -> str | None:
        named: str | None = getattr(source, part)
        wanted = named or defaults[part]
        if columns is None or wanted in columns:
            return wanted
        if named is None and wanted in lower:
            return lower[wanted]
        if named is None and part not in ("record_id", "text"):
            return None
        raise SpecError(_lacking(part, wanted, columns, source.delimiter))

    record_id, text = find("record_id"), find("text")
    assert record_id is not None
    assert text is not None
    times = [find("time"), lower.get(_OMOP_DATE) if is_omop and source.time is None else None]
    for name in source.carry:
        if columns is not None and name not in columns:
            raise SpecError(_lacking("carry", name, columns, source.delimiter))
    return Layout(record_id, find("subject_id"), tuple(name for name in times if name), find("type"), text)


def _lacking(part: str, wanted: str, columns: Sequence[str], delimiter: str | None) -> str:
    has = in_short(columns)
    other = other_separator(columns, delimiter or "")
    if other is not None:
        return f"the only column of the input is {has!r}: say what separates its fields, input.delimiter: {other!r}"
    return f"the input has no column {wanted!r}{nearest(wanted, columns) or ';'} input.{part} names it. It has {has}"


class TableDialect:
    """Rows of CSV and objects of NDJSON, by name. Implements `workers.ehr.notes.text_file.Dialect`."""

    def __init__(self, source: NotesInput, layout: Layout) -> None:
        self.layout = layout
        self._source = source

    def identify(self, row: Mapping[str, Any]) -> Identity:
        """Its ids and carried values. Raises RecordError (unreadable) where an id is no text."""
        record_id = as_text(row.get(self.layout.record_id))
        subject_id = as_text(row.get(self.layout.subject_id)) if self.layout.subject_id else None
        for name in (self.layout.record_id, self.layout.subject_id):
            value = row.get(name) if name else None
            if isinstance(value, str):
                sound(value, self._source)
        return Identity(record_id, subject_id, tuple(as_value(row.get(name)) for name in self._source.carry))

    def note(self, row: Mapping[str, Any]) -> Note:
        """Its text, time and type."""
        text = row.get(self.layout.text)
        if isinstance(text, bool | int | float | list | dict):
            raise RecordError(Status.UNREADABLE, "its text is not text")
        time = as_text(first_of([row.get(name) for name in self.layout.times]))
        kind = as_value(row.get(self.layout.type)) if self.layout.type else None
        return make_note(text, time, kind, self._source)
