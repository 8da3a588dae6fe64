"""Notes in Parquet: planned from the columns of ids alone, read forward a batch at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectInfo, Store
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.ehr.notes.layout import Layout, layout_of
from workers.ehr.notes.note import Note, decode, make_note, refused
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.times import column_times
from workers.reading.columns import cast_column, checked_text, decoded, is_binary, is_text, value_type
from workers.reading.listing import planned_file
from workers.reading.parquet import damage_as, open_parquet, parquet_batches
from workers.reading.parquet_bounds import BoundedParquet

_DAMAGED = RecordError(Status.UNREADABLE, "its Parquet file is damaged")
_PLANNED = 65_536
_READ = 64
"""Notes decoded at a time: what a batch holds in memory."""
_BUFFER = 1 << 20


def plan_parquet(store: Store, info: ObjectInfo, source: NotesInput, is_omop: bool) -> Iterator[dict[str, Any]]:
    """Arrays by column of the plan, a batch at a time; only ids and what is carried are read. Raises SpecError."""
    file = open_parquet(store, info.key)
    layout = layout_of(source, is_omop, file.schema_arrow.names)
    check_types(file.schema_arrow, layout)
    columns = [layout.record_id, *([layout.subject_id] if layout.subject_id else []), *source.carry]
    start = 0
    for batch in parquet_batches(file, columns, _PLANNED, info.key):
        named = {name: checked_text(batch.column(name)) for name in batch.schema.names}
        yield {
            "record_id": cast_column(named[layout.record_id], layout.record_id, pa.string()),
            "subject_id": cast_column(named[name], name, pa.string()) if (name := layout.subject_id) else None,
            "member": pa.array(range(start, start + batch.num_rows), pa.int64()),
            **{name: named[name] for name in source.carry},
        }
        start += batch.num_rows


def check_types(schema: pa.Schema, layout: Layout) -> None:
    """Raises SpecError where the column of the text is of a type that holds none, or another has parts."""
    for name in layout.reading:
        if pa.types.is_nested(schema.field(name).type):
            raise SpecError(f"column {name!r} of the input is {schema.field(name).type}: name another in input")
    kind = value_type(schema.field(layout.text).type)
    if not _holds_text(kind) and not pa.types.is_null(kind):
        raise SpecError(f"column {layout.text!r} of the input is {kind}, not text: correct input.text")


class ParquetNotes:
    """The notes of one file by row number; going forward is cheap, going back decodes the row group again."""

    def __init__(self, store: Store, key: str, etag: str | None, source: NotesInput, is_omop: bool) -> None:
        self._store = store
        self._key = key
        self._etag = etag
        self._source = source
        self._check_version()
        # A row group may hold gigabytes of text: it is streamed, not read as a whole.
        self._file = BoundedParquet(store.open_reader(key), buffer_size=_BUFFER)
        self._layout = layout_of(source, is_omop, self._file.schema_arrow.names)
        counts = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._ends = [sum(counts[: group + 1]) for group in range(len(counts))]
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._group = -1
        self._group_end = self._start = self._end = 0
        self._broken: dict[int, int] = {}
        """The first row of each row group that could not be decoded: none after it can."""
        self._texts: pa.Array = pa.nulls(0)
        self._times: list[list[Any]] = []
        self._types: list[Any] | None = None

    def notes(self, rows: Sequence[tuple[int, int | None]]) -> list[Note]:
        """The notes in these rows, in order; their sizes are not known."""
        return [self._note(row) for row, _ in rows]

    def _note(self, row: int) -> Note:
        try:
            with damage_as(_DAMAGED):
                self._go_to(row)
        except RecordError as error:
            self._broken.setdefault(self._group, self._end)
            self._end = self._group_end = 0
            # An error of decoding may come from a file that was replaced while it was read.
            self._check_version()
            return refused(error.status, error.detail)
        at = row - self._start
        time = next((column[at] for column in self._times if column[at] is not None), None)
        kind = None if self._types is None else self._types[at]
        return make_note(self._text(at), time, kind, self._source)

    def _text(self, at: int) -> str | None:
        value = self._texts[at]
        if not value.is_valid:
            return None
        encoding = self._source.encoding if is_binary(self._texts.type) else "utf-8"
        return decode(bytes(value.as_buffer()), self._source, encoding)

    def _check_version(self) -> None:
        if self._etag is not None:
            planned_file(self._store, self._key, self._etag)

    def _go_to(self, row: int) -> None:
        """Make the batch that holds the row the current one."""
        if not self._end <= row < self._group_end and not self._start <= row < self._end:
            self._group = next((group for group, end in enumerate(self._ends) if row < end), -1)
            if self._group < 0 or row >= self._broken.get(self._group, row + 1):
                raise pa.ArrowInvalid("no such row, or none that can be read")
            self._start = self._end = self._ends[self._group - 1] if self._group else 0
            self._group_end = self._ends[self._group]
            self._batches = self._file.iter_batches(
                batch_size=_READ, row_groups=[self._group], columns=self._layout.reading, use_threads=False
            )
        while row >= self._end:
            batch = next(self._batches, None)
            if batch is None:
                raise pa.ArrowInvalid("fewer rows than the file says")
            self._start, self._end = self._end, self._end + batch.num_rows
            if row < self._end:
                self._take(batch)

    def _take(self, batch: pa.RecordBatch) -> None:
        self._texts = _as_bytes(batch.column(self._layout.text))
        self._times = [_times(batch.column(name)) for name in self._layout.times]
        kind = self._layout.type
        self._types = None if kind is None else _texts(batch.column(kind))


def _holds_text(kind: pa.DataType) -> bool:
    return is_text(kind) or is_binary(kind)


def _as_bytes(column: pa.Array) -> pa.Array:
    column = decoded(column)
    return column if _holds_text(column.type) else column.cast(pa.binary())


def _times(column: pa.Array) -> list[Any]:
    """Microseconds where the column is one of times, else its text."""
    counted = column_times(column)
    return _texts(column) if counted is None else counted.to_pylist()


def _texts(column: pa.Array) -> list[str | None]:
    column = decoded(column)
    raw = column if _holds_text(column.type) else column.cast(pa.string())
    values: list[bytes | None] = raw.cast(pa.large_binary()).to_pylist()
    return [None if value is None else value.decode("utf-8", "replace") for value in values]
