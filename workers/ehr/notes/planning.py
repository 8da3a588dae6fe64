"""List the records of collection `notes`, in their one order: by key, and as each file has them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectInfo, StorageSettings, Store, join, open_store
from schemas.errors import RecordError, SpecError
from schemas.plan import RESERVED, plan_batch, plan_schema
from workers.ehr.notes.csv_file import Csv
from workers.ehr.notes.fhir import FhirDialect
from workers.ehr.notes.fhir_file import FhirDocument, FhirLines
from workers.ehr.notes.files import Found, find_input, note_files
from workers.ehr.notes.layout import TableDialect, layout_of
from workers.ehr.notes.ndjson import Ndjson
from workers.ehr.notes.note import NOTE_TIME, NOTE_TYPE, TEXT, Identity
from workers.ehr.notes.parquet_file import plan_parquet
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Dialect, Row, Span
from workers.ehr.notes.versions import LEFT_OUT, At, notes_left_out
from workers.reading.columns import cast_column, value_type
from workers.reading.lines import blocks
from workers.reading.listing import unchanged
from workers.reading.parquet import parquet_schema

_BATCH = 10_000
_NOT_SEEN = 1000
"""After so many lines of NDJSON without the key of the text it is a wrong key, not an empty note."""


class NoteRecords:
    """The records of the collection."""

    def __init__(self, source: NotesInput, storage: StorageSettings) -> None:
        self.source = source
        self.found: Found = find_input(source, storage)
        self.store: Store = open_store(self.found.root, storage)
        self._etags: list[tuple[str, str | None]] = []
        for name in source.carry:
            if name in RESERVED or name in (NOTE_TIME, NOTE_TYPE):
                raise SpecError(f"input.carry names {name!r}, which every run over notes writes anyway")

    @cached_property
    def carry(self) -> tuple[pa.Field, ...]:
        """What is carried: of Parquet as it is there, else text."""
        source = self.source
        if not source.carry:
            return ()
        first = next(note_files(self.store, self.found, source)).key
        if self.found.container(first) != "parquet":
            return tuple(pa.field(name, pa.string()) for name in source.carry)
        schema = parquet_schema(self.store, first)
        layout_of(source, self.found.format == "omop", schema.names)
        return tuple(pa.field(name, value_type(schema.field(name).type)) for name in source.carry)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the plan."""
        left_out = [pa.field(LEFT_OUT, pa.string())] if self._left_out else []
        return plan_schema([*self.carry, *left_out])

    @property
    def header_types(self) -> dict[str, str]:
        """The columns that reading gives."""
        types = {NOTE_TIME: "timestamp", NOTE_TYPE: "string"}
        return {**types, TEXT: "string"} if self.source.keep_text else types

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        for file, info in enumerate(note_files(self.store, self.found, self.source)):
            if self.found.container(info.key) == "parquet":
                found = plan_parquet(self.store, info, self.source, self.found.format == "omop")
            else:
                found = self._plan_text(file, info)
            for columns in found:
                yield plan_batch(self.schema, self._cast(columns), uri=join(self.store.uri, info.key), etag=info.etag)

    def _cast(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """What Parquet gives as its own type, in the type of the plan."""
        return {
            name: cast_column(given, name, self.schema.field(name).type) if isinstance(given, pa.Array) else given
            for name, given in columns.items()
        }

    def _plan_text(self, file: int, info: ObjectInfo) -> Iterator[dict[str, Any]]:
        records, carry = self._text_records(file, info), list(enumerate(self.source.carry))
        while part := list(islice(records, _BATCH)):
            starts, sizes, ids, reasons = zip(*part, strict=True)
            yield {
                "record_id": [identity.record_id for identity in ids],
                "subject_id": [identity.subject_id for identity in ids],
                "member": starts,
                "size": sizes,
                LEFT_OUT: reasons,
                **{name: [one.carried[at] if one.carried else None for one in ids] for at, name in carry},
            }

    def _text_records(self, file: int, info: ObjectInfo) -> Iterator[tuple[int, int | None, Identity, str | None]]:
        """Start, size and ids of each record, and why it does not count; its text is let go of."""
        dialect: Dialect | None = None
        seen = _Seen(self.source, self.found)
        left_out = self._left_out
        if left_out and self._etags[file : file + 1] != [(info.key, info.etag)]:
            with unchanged(info.key):
                raise ObjectChanged
        for number, (syntax, span) in enumerate(self._spans(info)):
            dialect = dialect or dialect_of(self.source, self.found, syntax)
            seen.look(span.row, dialect)
            identity = None if span.deletion is not None else _identify(span, dialect, info.key)
            if identity is not None:
                reason = left_out.get(At(file, number))
                # Its id is that of the note which counts.
                shown = identity if reason is None else replace(identity, record_id=_place(span, info.key))
                yield span.start, span.size, shown, reason
        seen.check()

    def _spans(self, info: ObjectInfo) -> Iterator[tuple[Csv | Ndjson, Span]]:
        syntax = syntax_of(self.source, self.found, info.key)
        with unchanged(info.key):
            for span in syntax.spans(blocks(self.store, info.key, info.size, info.etag)):
                yield syntax, span

    @cached_property
    def _left_out(self) -> Mapping[At, str]:
        """Why a note of FHIR does not count, for each of which another version does."""
        if self.found.format != "fhir":
            return {}
        infos = list(note_files(self.store, self.found, self.source))
        self._etags = [(info.key, info.etag) for info in infos]

        def spans() -> Iterator[tuple[At, Span]]:
            for file, info in enumerate(infos):
                for number, (_, span) in enumerate(self._spans(info)):
                    yield At(file, number), span

        return notes_left_out(spans, self.source.resources)


def syntax_of(source: NotesInput, found: Found, key: str) -> Csv | Ndjson:
    """How a text file is cut into records."""
    container = found.container(key)
    if container == "csv":
        return Csv(source, key)
    if found.format != "fhir":
        return Ndjson(source)
    return FhirDocument(source) if container == "json" else FhirLines(source)


def dialect_of(source: NotesInput, found: Found, syntax: Csv | Ndjson) -> Dialect:
    """What the names in the records of a text file mean. Raises SpecError where one is not there."""
    if found.format == "fhir":
        return FhirDialect(source)
    columns = syntax.columns if isinstance(syntax, Csv) else None
    return TableDialect(source, layout_of(source, found.format == "omop", columns))


class _Seen:
    """Whether the keys that the spec names come up at all in NDJSON, whose lines may each have others."""

    def __init__(self, source: NotesInput, found: Found) -> None:
        self._applies = found.format == "ndjson"
        self._source = source
        self._rows = 0
        self._names: set[str] = set()
        self._wanted: set[str] = set()

    def look(self, row: Row | None, dialect: Dialect) -> None:
        """Raises SpecError once a key has not come up for long."""
        if not self._applies or row is None or not isinstance(dialect, TableDialect):
            return
        self._wanted = {dialect.layout.record_id, dialect.layout.text, *self._source.carry}
        self._rows += 1
        self._names.update(row)
        if self._wanted <= self._names:
            self._applies = False
        elif self._rows >= _NOT_SEEN:
            self.check()

    def check(self) -> None:
        """Raises SpecError if a key never came up."""
        if self._applies and self._rows:
            # Keys of records are their own; only the lacking one is named.
            lacking = sorted(self._wanted - self._names)[0]
            raise SpecError(f"no line of an NDJSON file has the key {lacking!r}: correct input, which names it")


def _identify(span: Span, dialect: Dialect, key: str) -> Identity | None:
    if span.row is not None:
        try:
            return dialect.identify(span.row)
        except RecordError:
            pass
    return Identity(_place(span, key), None)


def _place(span: Span, key: str) -> str:
    return ".".join([f"{key}#{span.line}", *map(str, span.path)])
