"""Files of FHIR: resources and Bundles on lines of NDJSON, or one after the other in a file of JSON.

Each resource of a Bundle is a record of its own: the plan says where its bytes lie, and they are read without the rest.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from workers.ehr.fhir.bundles import Record, records_in, resolved
from workers.ehr.fhir.places import entry_places
from workers.ehr.notes.ndjson import Ndjson
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import DeletedResource, Row, Span
from workers.reading.gzip import InflationError

_DECODER = json.JSONDecoder()
_BLANKS = re.compile("[ \\t\\n\\r\ufeff]*")


class FhirLines(Ndjson):
    """NDJSON whose lines may be Bundles."""

    def spans_of(self, start: int, number: int, data: bytes) -> Iterator[Span]:
        """The resource of a line, or every one of its Bundle."""
        for span in super().spans_of(start, number, data):
            if span.row is None or span.row.get("resourceType") != "Bundle":
                yield span
            else:
                yield from _in_bundle(span, data, self._source)


class FhirDocument(FhirLines):
    """A file of JSON, read as a whole: resources and Bundles, pretty-printed or not."""

    def spans(self, content: Iterator[bytes]) -> Iterator[Span]:
        """Every resource of every value. A file that is longer than a record may be is one record."""
        held, length = bytearray(), 0
        try:
            for block in content:
                length += len(block)
                held += block if length <= self._source.max_bytes else b""
        except InflationError:
            yield Span(0, None, 1, None)
            return
        if length > self._source.max_bytes:
            yield Span(0, length, 1, None)
        else:
            yield from self._values(bytes(held))

    def _values(self, data: bytes) -> Iterator[Span]:
        text = _exact(data, self._source)
        at = start = 0
        while (began := _BLANKS.match(text, at).end()) < len(text):  # type: ignore[union-attr]  # none or more always match
            start += _length(text[at:began], self._source)
            line = 1 + text.count("\n", 0, began)
            try:
                _, at = _DECODER.raw_decode(text, began)
            except (ValueError, RecursionError):
                yield Span(start, len(data) - start, line, None)
                return
            end = start + _length(text[began:at], self._source)
            yield from self.spans_of(start, line, data[start:end])
            start = end


def _in_bundle(span: Span, data: bytes, source: NotesInput) -> Iterator[Span]:
    """The records of a Bundle, each at its own bytes. What is neither a resource nor
    a deletion of one is left out, what cannot be read is not."""
    text = _exact(data, source)
    records = list(records_in(span.row, span.start))
    depth = max((len(record.path) for record in records), default=1)
    places = entry_places(text, text.index("{"), depth)
    at, start = 0, span.start
    for record in records:
        place, row = places.get(record.path), _row_of(record)
        gone = None if record.deleted is None else DeletedResource(record.deleted, record.updated)
        if place is None or (row is None and record.trouble is None and gone is None):
            continue
        start += _length(text[at : place.start], source)
        size = _length(text[place.start : place.end], source)
        yield Span(start, size, span.line + text.count("\n", 0, place.start), row, record.path, gone)
        at = place.start


def _row_of(record: Record) -> Row | None:
    found: Any = None if record.resource is None else resolved(record.resource, record.urns)
    return found  # type: ignore[no-any-return]  # of an object it is one


def _exact(data: bytes, source: NotesInput) -> str:
    """Text that becomes these bytes again, also where they are no text."""
    return data.decode(source.encoding, "surrogateescape")


def _length(text: str, source: NotesInput) -> int:
    return len(text) if text.isascii() else len(text.encode(source.encoding, "surrogateescape"))
