"""CSV and TSV (RFC 4180): a header line, then records whose quoted fields may hold line breaks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from schemas.errors import SpecError
from workers.notes.bytestream import Line, lines
from workers.notes.settings import NotesInput
from workers.notes.text_file import Row, Span, decode, unreadable


class _EndlessRecordError(Exception):
    """A record that does not end within `max_bytes`, or before a damaged file does."""


class _Feed:
    """Gives the parser line after line, and keeps where the record at hand begins.

    `is_over`: the parser asked for more than there is, which it does only inside a quote.
    """

    def __init__(self, source: Iterator[Line], settings: NotesInput) -> None:
        self._lines = source
        self._settings = settings
        self._end = 0
        self._next_line = 1
        self.begin()

    def begin(self) -> None:
        """The next record begins."""
        self.start, self.line = self._end, self._next_line
        self.is_over = False

    @property
    def size(self) -> int:
        """Bytes of the record so far."""
        return self._end - self.start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.is_over = True
            raise StopIteration
        self._next_line = line.number + 1
        self._end = line.start + (line.size or 0)
        if line.data is None or self.size > self._settings.max_bytes:
            raise _EndlessRecordError
        return decode(line.data, self._settings)


class Csv:
    """Implements `workers.notes.text_file.Syntax` for one file. `columns` are known once its header was read."""

    def __init__(self, source: NotesInput, key: str, columns: tuple[str, ...] = ()) -> None:
        self._source = source
        self._delimiter = source.delimiter or ("\t" if ".tsv" in key.lower() else ",")
        self.columns = columns
        # The parser's own limit is for the whole process and far below a long note; ours is max_bytes.
        csv.field_size_limit(2**31 - 1)

    def spans(self, content: Iterator[bytes]) -> Iterator[Span]:
        """Every record after the header; blank lines are none. Raises SpecError for a header that is none.

        A record whose quote is not closed swallows all that follows, so it is the last one and has no size.
        """
        feed = _Feed(lines(content, self._source.max_bytes), self._source)
        parser = csv.reader(feed, delimiter=self._delimiter)
        while True:
            feed.begin()
            try:
                fields = next(parser, None)
            except csv.Error:
                self._require_header()
                yield Span(feed.start, feed.size, feed.line, None)
                continue
            except _EndlessRecordError:
                fields, feed.is_over = [], True
            if fields is None:
                return
            if feed.is_over:
                self._require_header()
                yield Span(feed.start, None, feed.line, None)
                return
            if fields and self.columns:
                yield Span(feed.start, feed.size, feed.line, self._row(fields))
            elif fields:
                self.columns = _header(fields)

    def parse(self, data: bytes) -> Row:
        """One record, with as many fields as the header."""
        # Lines end where the file's lines do, not where Python would end them too.
        content = io.StringIO(decode(data, self._source), newline="\n")
        try:
            rows = list(csv.reader(content, delimiter=self._delimiter))
        except csv.Error:
            raise unreadable("its line is not CSV") from None
        row = self._row(rows[0]) if len(rows) == 1 else None
        if row is None:
            raise unreadable("it has not as many fields as the header")
        return row

    def read_header(self, content: Iterator[bytes]) -> None:
        """Take `columns` from the start of a file. Raises SpecError."""
        if not self.columns:
            next(self.spans(content), None)

    def _require_header(self) -> None:
        if not self.columns:
            raise SpecError("a CSV file of input.uri has no header line that can be read: mend it, or input.delimiter")

    def _row(self, fields: list[str]) -> Row | None:
        return dict(zip(self.columns, fields, strict=True)) if len(fields) == len(self.columns) else None


def _header(fields: list[str]) -> tuple[str, ...]:
    doubled = sorted({name for name in fields if fields.count(name) > 1})
    if doubled:
        raise SpecError(f"a CSV file of input.uri has two columns {doubled[0]!r}: rename one")
    return tuple(fields)
