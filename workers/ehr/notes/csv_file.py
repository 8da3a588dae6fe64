"""CSV and TSV (RFC 4180): a header line, then records whose quoted fields may hold line breaks.

Where records end is found here, byte by byte as the `csv` module of Python would, since that does not tell; what is in
them is left to it.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator

from schemas.errors import RecordError, SpecError
from workers.ehr.notes.note import decode
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Row, Span, unreadable
from workers.reading.lines import DamagedError, Line

_QUOTE, _BREAK = b'"', b"\n"


class Csv:
    """Implements `workers.ehr.notes.text_file.Syntax` for one file. `columns` are known once its header was read."""

    def __init__(self, source: NotesInput, key: str, columns: tuple[str, ...] = ()) -> None:
        self._source = source
        self._delimiter = source.delimiter or ("\t" if ".tsv" in key.lower() else ",")
        self.columns = columns
        # The parser's own limit is for the whole process and far below a long note; ours is max_bytes.
        csv.field_size_limit(2**31 - 1)

    def spans(self, content: Iterator[bytes]) -> Iterator[Span]:
        """Every record after the header; blank lines are none. Raises SpecError for a header that is none.

        A quote that is not closed within `max_bytes` swallows all that follows: that record is the last, without size.
        """
        for record in csv_records(content, self._delimiter.encode(), self._source.max_bytes):
            if record.data is not None and not record.data.strip(b"\r\n"):
                continue
            if not self.columns:
                self.columns = self._header((record.data or b"").removeprefix(BOM_UTF8))
                continue
            row = None if record.data is None else self._row(record.data)
            yield Span(record.start, record.size, record.number, row)

    def parse(self, data: bytes) -> Row:
        """One record, with as many fields as the header."""
        fields = self._fields(data)
        if len(fields) != len(self.columns):
            raise unreadable("it has not as many fields as the header")
        return dict(zip(self.columns, fields, strict=True))

    def read_header(self, content: Iterator[bytes]) -> None:
        """Take `columns` from the start of a file. Raises SpecError."""
        if not self.columns:
            next(self.spans(content), None)

    def _row(self, data: bytes) -> Row | None:
        try:
            return self.parse(data)
        except RecordError:
            return None

    def _fields(self, data: bytes) -> list[str]:
        try:
            return next(csv.reader((decode(data, self._source),), delimiter=self._delimiter))
        except csv.Error:
            raise unreadable("its line is not CSV") from None

    def _header(self, data: bytes) -> tuple[str, ...]:
        try:
            fields = self._fields(data)
        except (RecordError, StopIteration):
            raise SpecError("a CSV file of input.uri has no header line that can be read: mend it") from None
        doubled = sorted({name for name in fields if fields.count(name) > 1})
        if doubled:
            raise SpecError(f"a CSV file of input.uri has two columns {doubled[0]!r}: rename one")
        return tuple(fields)


def csv_records(content: Iterator[bytes], delimiter: bytes, limit: int) -> Iterator[Line]:
    """The records of a file with their line breaks; `number` is that of the first line.

    `data` is None, and `size` too, where a quote is open when the content ends, is damaged, or `limit` is passed: what
    follows cannot be told apart. Without an open quote a record longer than `limit` has its size, and no data.
    """
    buffer = _Buffer(content)
    start, number, is_open = 0, 1, False
    while not buffer.ended:
        buffer.grow()
        at = 0
        while True:
            end, is_open = record_end(buffer.held, at, delimiter)
            if end < 0:
                break
            size, data = end - at, buffer.held[at:end]
            yield Line(start, size, number, data if size <= limit else None)
            start, number, at = start + size, number + data.count(_BREAK), end
        buffer.held = buffer.held[at:]
        if not is_open and not buffer.ended and len(buffer.held) > limit:
            size = buffer.skip_line()
            yield Line(start, size, number, None)
            start, number = start + size, number + 1
        elif is_open and len(buffer.held) > limit:
            break
    if is_open or buffer.damaged:
        yield Line(start, None, number, None)
    elif buffer.held:
        yield Line(start, len(buffer.held), number, buffer.held if len(buffer.held) <= limit else None)


def record_end(data: bytes, at: int, delimiter: bytes) -> tuple[int, bool]:
    """Where the record that begins at `at` ends, behind its line break; -1 if not in `data`, and if a quote is open.

    A quote opens a field only at its start; inside, two stand for one. Anywhere else it is a character like others.
    """
    place = at
    can_open = True
    line_break = -2
    while True:
        quote = data.find(_QUOTE, place)
        if line_break < place and line_break != -1:
            line_break = data.find(_BREAK, place)
        if quote < 0 or 0 <= line_break < quote:
            return (line_break + 1 if line_break >= 0 else -1), False
        opens = (can_open and quote == place) or data[quote - 1 : quote] == delimiter
        place = quote + 1
        can_open = False
        if opens:
            closing = data.find(_QUOTE, place)
            if closing < 0:
                return -1, True
            # A quote right behind this one goes on with the field.
            place, can_open = closing + 1, True


class _Buffer:
    """What was read of a file and not used yet. `ended`: no more comes; `damaged`: though more should have."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self.held = b""
        self.ended = self.damaged = False
        self._content = content

    def grow(self) -> None:
        """Read as much again, so that a long record is not looked through anew for each block."""
        parts, size = [self.held], 0
        while not self.ended and size <= len(self.held):
            parts.append(self._block())
            size += len(parts[-1])
        self.held = b"".join(parts)

    def skip_line(self) -> int:
        """Drop the rest of the line that `held` begins, a block at a time. Returns the length of all of it."""
        size = 0
        while (end := self.held.find(_BREAK)) < 0 and not self.ended:
            size += len(self.held)
            self.held = self._block()
        end = len(self.held) if end < 0 else end + 1
        self.held = self.held[end:]
        return size + end

    def _block(self) -> bytes:
        try:
            block = next(self._content, None)
        except DamagedError:
            block, self.damaged = None, True
        self.ended = block is None
        return block or b""
