"""Get the notes of planned records: rows of Parquet, or ranges of bytes of text files."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from cluster.storage import ObjectChanged, ObjectMissing, StorageSettings, Store, open_store
from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.notes.csv_file import Csv
from workers.ehr.notes.files import Found
from workers.ehr.notes.note import CUT_OFF, Note, refused
from workers.ehr.notes.parquet_file import ParquetNotes
from workers.ehr.notes.planning import dialect_of, syntax_of
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.versions import LEFT_OUT
from workers.reading.absent import fault_of
from workers.reading.gzip import Fault, InflationError, is_gzip
from workers.reading.lines import blocks
from workers.reading.listing import planned_file
from workers.reading.parquet import damage_as

Place = tuple[int, int | None]
"""`member` and `size` of a planned record."""

_GAP = 64 << 10
_RUN = 8 << 20


class _NoteFile(Protocol):
    def notes(self, places: Sequence[Place]) -> list[Note]:
        """The notes in order."""


class NoteFetcher:
    """Reads planned records in order; the file at hand is kept open between calls. For one thread."""

    def __init__(self, source: NotesInput, found: Found, storage: StorageSettings) -> None:
        self._source = source
        self._found = found
        self._store = open_store(found.root, storage)
        self._at: tuple[str, str | None] | None = None
        self._file: _NoteFile | None = None

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Note]:
        """The notes of these rows of a plan. Raises InfrastructureError where storage keeps failing."""
        reasons = [row.get(LEFT_OUT) for row in rows]
        counting = iter(self._all([row for row, reason in zip(rows, reasons, strict=True) if reason is None]))
        return [next(counting) if why is None else refused(Status.UNSUPPORTED, why) for why in reasons]

    def _all(self, rows: Sequence[Mapping[str, Any]]) -> list[Note]:
        notes: list[Note] = []
        for (uri, etag), group in groupby(rows, key=lambda row: (row["uri"], row["etag"])):
            notes += self._of_file(uri, etag, [(row["member"], row["size"]) for row in group])
        return notes

    def _of_file(self, uri: str, etag: str | None, places: list[Place]) -> list[Note]:
        # Kept again only once all went well: a stream that broke off would look damaged to whoever goes on with it.
        file, self._file = self._file, None
        try:
            if file is None or self._at != (uri, etag):
                file, self._at = self._open(uri, etag), (uri, etag)
            notes = file.notes(places)
        except (ObjectMissing, ObjectChanged) as error:
            fault = fault_of(error, "its file is not there", "its file was changed after it was planned")
            return [refused(*fault)] * len(places)
        self._file = file
        return notes

    def _open(self, uri: str, etag: str | None) -> _NoteFile:
        key = uri[len(self._store.uri.rstrip("/")) + 1 :]
        if self._found.container(key) == "parquet":
            return _open_parquet(self._store, key, etag, self._source, self._found.format == "omop")
        return TextNotes(self._store, key, etag, self._source, self._found)


class _Unreadable:
    """A file of which nothing can be read."""

    def __init__(self, why: RecordError) -> None:
        self._why = why

    def notes(self, places: Sequence[Place]) -> list[Note]:
        """All of them unreadable."""
        return [refused(self._why.status, self._why.detail)] * len(places)


def _open_parquet(store: Store, key: str, etag: str | None, source: NotesInput, is_omop: bool) -> _NoteFile:
    try:
        with damage_as(RecordError(Status.UNREADABLE, "its file is damaged")):
            return ParquetNotes(store, key, etag, source, is_omop)
    except RecordError as error:
        return _Unreadable(error)


class TextNotes:
    """The records of one text file by their bytes."""

    def __init__(self, store: Store, key: str, etag: str | None, source: NotesInput, found: Found) -> None:
        head = planned_file(store, key, None)
        self._source = source
        self._syntax = syntax_of(source, found, key)
        if isinstance(self._syntax, Csv):
            self._syntax.read_header(blocks(store, key, head.size, etag))
        self._dialect = dialect_of(source, found, self._syntax)
        self._content = _Forward(store, key, head.size, etag) if is_gzip(key) else _Ranges(store, key, etag)

    def notes(self, places: Sequence[Place]) -> list[Note]:
        """The notes in order."""
        readable = [place for place in places if self._refused(place) is None]
        bodies = self._content.bodies([(start, size) for start, size in readable if size is not None])
        return [self._refused(place) or self._note(next(bodies)) for place in places]

    def _refused(self, place: Place) -> Note | None:
        size = place[1]
        if size is None:
            return refused(Status.UNREADABLE, CUT_OFF)
        if size > self._source.max_bytes:
            return refused(Status.TOO_LARGE, f"the record has more than {self._source.max_bytes} bytes")
        return None

    def _note(self, data: bytes | None) -> Note:
        if data is None:
            return refused(Status.UNREADABLE, CUT_OFF)
        try:
            row = self._syntax.parse(data)
            self._dialect.identify(row)
            return self._dialect.note(row)
        except RecordError as error:
            return refused(error.status, error.detail)


class _Ranges:
    """Any range of a plain file; neighbours come with one request."""

    def __init__(self, store: Store, key: str, etag: str | None) -> None:
        self._store = store
        self._key = key
        self._etag = etag

    def bodies(self, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes | None]:
        """The bytes of each range, in the order asked for."""
        for run in _runs(ranges):
            first = run[0][0]
            length = sum(run[-1]) - first
            data = self._store.get(self._key, first, length, if_etag=self._etag)
            yield from (data[start - first : start - first + size] for start, size in run)


def _runs(ranges: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Ascending ranges that lie close together, up to a few MB."""
    run: list[tuple[int, int]] = []
    for start, size in ranges:
        # A small gap is cheaper to read over than another request.
        if run and not (0 <= start - sum(run[-1]) <= _GAP and start + size - run[0][0] <= _RUN):
            yield run
            run = []
        run.append((start, size))
    if run:
        yield run


class _Forward:
    """Ranges of an inflated file. Going forward continues the stream, going back begins it anew."""

    def __init__(self, store: Store, key: str, size: int, etag: str | None) -> None:
        self._open = partial(blocks, store, key, size, etag)
        self._blocks = self._open()
        self._held = b""
        self._at = 0

    def bodies(self, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes | None]:
        """The bytes in the order asked for; None where the stream is damaged before the end of a range."""
        for start, size in ranges:
            try:
                yield self._body(start, size)
            except InflationError:
                self._rewind()
                yield None

    def _rewind(self) -> None:
        self._blocks, self._held, self._at = self._open(), b"", 0

    def _body(self, start: int, size: int) -> bytes:
        if start < self._at:
            self._rewind()
        while (end := self._at + len(self._held)) < start + size:
            if end <= start:
                self._held, self._at = self._more(), end
            else:
                self._held, self._at = self._held[start - self._at :] + self._more(), start
        return self._held[start - self._at : start - self._at + size]

    def _more(self) -> bytes:
        block = next(self._blocks, None)
        if block is None:
            raise InflationError(Fault.CUT_OFF)
        return block
