"""CSV and TSV (RFC 4180): a header line, then records whose quoted fields may hold line breaks."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator

from schemas.errors import RecordError, SpecError
from workers.ehr.notes.note import decode
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Row, Span, unreadable
from workers.reading.csv_faults import NO_GZIP, no_csv_by_its_beginning
from workers.reading.csv_records import csv_records, delimiter_of, fields_of, header_names
from workers.reading.lines import Line


class Csv:
    """How one file is cut into records, and one is read. `columns` are known once its header was read."""

    def __init__(self, source: NotesInput, key: str, columns: tuple[str, ...] = ()) -> None:
        self._source = source
        self._delimiter = delimiter_of(key, source.delimiter)
        self.columns = columns

    def spans(self, content: Iterator[bytes]) -> Iterator[Span]:
        """Every record after the header; blank lines are none. Raises SpecError for a header that is none.

        A quote that is not closed within `max_bytes` swallows all that follows: that record is the last, without size.
        """
        for record in csv_records(content, self._delimiter.encode(), self._source.max_bytes):
            if record.data is not None and not record.data.strip(b"\r\n"):
                continue
            if not self.columns:
                _refuse_no_csv(record)
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

    def _fields(self, data: bytes) -> list[str | None]:
        try:
            return fields_of(decode(data, self._source), self._delimiter)
        except csv.Error:
            raise unreadable("its line is not CSV") from None

    def _header(self, data: bytes) -> tuple[str, ...]:
        try:
            fields = self._fields(data)
        except RecordError:
            fields = []
        if not fields:
            raise SpecError("a CSV file of input.uri has no header line that can be read: fix it")
        return header_names(fields)


def _refuse_no_csv(first: Line) -> None:
    if first.damage is not None:
        raise SpecError(f"a CSV file of input.uri has a fault: {NO_GZIP}")
    if said := no_csv_by_its_beginning(first.data or b""):
        raise SpecError(f"a CSV file of input.uri {said}")
