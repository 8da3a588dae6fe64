"""NDJSON: an object a line."""

import json
from collections.abc import Iterator
from typing import NoReturn

from schemas.errors import RecordError
from workers.ehr.notes.note import decode
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Row, Span, unreadable
from workers.reading.lines import lines


class Ndjson:
    """How a file is cut into records, and one is read. Blank lines are no records."""

    def __init__(self, source: NotesInput) -> None:
        self._source = source

    def spans(self, content: Iterator[bytes]) -> Iterator[Span]:
        """Every line with something on it."""
        for line in lines(content, self._source.max_bytes):
            if line.data is None:
                yield Span(line.start, line.size, line.number, None)
            elif not line.data.isspace():
                yield from self.spans_of(line.start, line.number, line.data)

    def spans_of(self, start: int, number: int, data: bytes) -> Iterator[Span]:
        """What is on one line."""
        yield Span(start, len(data), number, self._row(data))

    def _row(self, data: bytes) -> Row | None:
        try:
            return self.parse(data)
        except RecordError:
            return None

    def parse(self, data: bytes) -> Row:
        """One line."""
        try:
            value = json.loads(decode(data, self._source).removeprefix("\ufeff"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise unreadable("its line is not JSON") from None
        if not isinstance(value, dict):
            raise unreadable("its line is not a JSON object")
        return value


def _refuse(name: str) -> NoReturn:
    """Python's reader takes NaN and Infinity, which are no JSON (RFC 8259, section 6)."""
    raise ValueError
