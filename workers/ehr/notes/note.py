"""One note as it was read, and what every source has in common on the way there."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.times import parse_time

NOTE_TIME = "note_time"
NOTE_TYPE = "note_type"
TEXT = "text"
"""Columns that reading gives, beside those of every run."""

CUT_OFF = "the file is damaged or cut off here: what may have followed is not known"

_HALF = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "�"
_BAD_TIME = "its time cannot be read, so note_time is null"


@dataclass(frozen=True)
class Note:
    """`time` is microseconds since 1970 (UTC where the source names a zone), `status` None while all is well.

    `detail` says why there is no text, or what beside the text of a good note could not be read.
    """

    text: str = ""
    time: int | None = None
    type: str | None = None
    status: Status | None = None
    detail: str = ""


@dataclass(frozen=True)
class Identity:
    """What a plan says of a note. `carried` are in the order of the spec."""

    record_id: str | None
    subject_id: str | None
    carried: tuple[str | None, ...] = ()


def refused(status: Status, detail: str) -> Note:
    """A record without a note."""
    return Note(status=status, detail=detail)


def make_note(text: Any, time: int | str | None, kind: str | None, source: NotesInput) -> Note:
    """The note of these values as they were read; `time` as microseconds or as text.

    It is `unreadable`, `empty` or `too_large` where the text is no text, blank, or longer than `max_chars`.
    """
    detail = ""
    if isinstance(time, str):
        try:
            time = parse_time(time, source.time_format)
        except ValueError:
            time, detail = None, _BAD_TIME
    kind = None if kind is None else replace_halves(kind)
    try:
        return Note(check_text(text, source), time, kind, detail=detail)
    except RecordError as error:
        return Note("", time, kind, error.status, error.detail)


def check_text(text: Any, source: NotesInput) -> str:
    """Raises RecordError: empty, too_large, unreadable."""
    if text is None:
        raise RecordError(Status.EMPTY, "the note has no text")
    if not isinstance(text, str):
        raise RecordError(Status.UNREADABLE, "its text is not text")
    if len(text) > source.max_chars:
        raise RecordError(Status.TOO_LARGE, f"the note has more than {source.max_chars} characters")
    if not text.strip():
        raise RecordError(Status.EMPTY, "the note has no text")
    return sound(text, source)


def decode(data: bytes, source: NotesInput, encoding: str | None = None) -> str:
    """The text of some bytes; what is none is replaced where the spec says so, else left for `sound` to find."""
    return data.decode(encoding or source.encoding, "replace" if source.errors == "replace" else "surrogateescape")


def sound(text: str, source: NotesInput) -> str:
    """The text without half characters: bytes that are no text, as decoding left them, or lone escapes of JSON.

    Raises RecordError (unreadable), or replaces them where the spec says so.
    """
    if text.isascii() or _HALF.search(text) is None:
        return text
    if source.errors == "strict":
        raise RecordError(Status.UNREADABLE, f"its text has characters that are not text (encoding {source.encoding})")
    return replace_halves(text)


def replace_halves(text: str) -> str:
    """The text with U+FFFD for what no encoding of Unicode can write."""
    return text if text.isascii() else _HALF.sub(_REPLACEMENT, text)


def as_text(value: Any) -> str | None:
    """An id or a time of CSV or JSON as text; null for nothing and for the empty text, which names nothing."""
    return as_value(value) or None


def as_value(value: Any) -> str | None:
    """A value of CSV or JSON as a column of text has it."""
    if isinstance(value, str):
        return replace_halves(value)
    if value is None or type(value) is int:
        return value if value is None else str(value)
    return replace_halves(json.dumps(value, ensure_ascii=False))


def first_of(values: Sequence[Any]) -> Any:
    """The first that is neither null nor empty text."""
    return next((value for value in values if value is not None and value != ""), None)
