"""A table of sequences, Parquet or CSV: planned from its ids, read forward a batch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, StorageSettings, join, open_store, split
from schemas.errors import RecordError, SpecError
from schemas.loading import nearest
from schemas.plan import RESERVED
from schemas.status import Fault, Status
from schemas.wording import in_short
from workers.genomics.sequences.regions import EMPTY, Region
from workers.genomics.sequences.settings import SequencesInput
from workers.reading.absent import fault_of
from workers.reading.columns import decoded, is_text, value_type
from workers.reading.csv_records import delimiter_of
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.listing import named_file, planned_file
from workers.reading.parquet import damage_as, while_planning
from workers.reading.parquet_bounds import BoundedParquet, parquet_file

COLUMNS = ("member", "etag")
"""What is needed of a planned row."""

_NO_TABLE = "the table of input.uri cannot be read: it is damaged, or not in input.format"
_DAMAGED = RecordError(Status.UNREADABLE, "the table is damaged here")
_BATCH = 1024
_PLANNED = 65_536


class SequenceTable:
    """One file. `columns` are checked against those it has."""

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        """Raises SpecError where it is not there."""
        self._source = source
        folder, self.key = split(source.uri)
        self._store = open_store(folder, storage)
        self.etag = named_file(self._store, self.key).etag
        self.uri = join(self._store.uri, self.key)

    @cached_property
    def schema(self) -> pa.Schema:
        """Its columns; of CSV all are text. Raises SpecError."""
        with while_planning(_NO_TABLE):
            if self._source.kind == "parquet":
                return parquet_file(self._store.open_reader(self.key)).schema_arrow
            names = csv_names(self._store.open_reader(self.key), self.key, self._delimiter)
            return pa.schema([pa.field(name, pa.string()) for name in names])

    @cached_property
    def carry(self) -> tuple[pa.Field, ...]:
        """What is carried, with its types. Raises SpecError for columns that are not there."""
        source = self._source
        needed = [source.record_id, source.sequence, *([source.subject_id] if source.subject_id else []), *source.carry]
        for name in needed:
            if name not in self.schema.names:
                hint = nearest(name, self.schema.names) or "."
                raise SpecError(f"the table has no column {name!r}{hint} It has {in_short(self.schema.names)}")
        for name in source.carry:
            if name in RESERVED:
                raise SpecError(f"input.carry names {name!r}, which every run writes anyway")
        if not is_text(value_type(self.schema.field(source.sequence).type)):
            raise SpecError(f"column {source.sequence!r} of the table is no text: correct input.sequence")
        return tuple(pa.field(name, value_type(self.schema.field(name).type)) for name in source.carry)

    def planned(self) -> Iterator[dict[str, Any]]:
        """Columns of the plan, a batch at a time; sequences are not kept. Raises SpecError."""
        source, carried = self._source, [field.name for field in self.carry]
        names = [source.record_id, *([source.subject_id] if source.subject_id else []), *carried]
        start = 0
        batches = self.batches(list(dict.fromkeys(names)), 0, _PLANNED)
        while True:
            with while_planning(_NO_TABLE):
                found = next(batches, None)
            if found is None:
                return
            _, batch = found
            with while_planning(_NO_TABLE):
                columns = {name: decoded(batch.column(name)) for name in names}
                yield {
                    "record_id": columns[source.record_id].cast(pa.string()),
                    "subject_id": columns[source.subject_id].cast(pa.string()) if source.subject_id else None,
                    "member": pa.array(range(start, start + batch.num_rows), pa.int64()),
                    **{name: columns[name] for name in carried},
                }
            start += batch.num_rows

    def batches(self, names: list[str], first: int, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches from about row `first` on, each with the number of its first row."""
        if self._source.kind == "parquet":
            yield from self._parquet(names, first, size)
            return
        start = 0
        for batch in self._csv(names):
            yield start, batch
            start += batch.num_rows

    def check(self) -> None:
        """Raises ObjectMissing, ObjectChanged if the file is not the one that `etag` says."""
        planned_file(self._store, self.key, self.etag)

    def _parquet(self, names: list[str], first: int, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        file = BoundedParquet(self._store.open_reader(self.key))
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if start + rows > first:
                at = start
                for batch in file.iter_batches(size, row_groups=[group], columns=names, use_threads=False):
                    yield at, batch
                    at += batch.num_rows
            start += rows

    def _csv(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        types = dict.fromkeys(self.schema.names, pa.string())
        with self._store.open_reader(self.key) as file:
            yield from csv_batches(file, self.key, self._delimiter, types, names)

    @property
    def _delimiter(self) -> str:
        return delimiter_of(self.key, self._source.delimiter)


class TableFetcher:
    """Sequences of planned rows. Going forward is cheap; going back begins a row group, or a CSV file, anew."""

    def __init__(self, source: SequencesInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage
        self._table: SequenceTable | None = None
        self._batches: Iterator[tuple[int, pa.RecordBatch]] = iter(())
        self._first = self._end = 0
        self._column: pa.Array = pa.nulls(0)

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        """One a row, in order. Raises InfrastructureError where storage keeps failing."""
        try:
            table = self._opened(rows[0]["etag"])
            return [self._one(table, row["member"]) for row in rows]
        except (ObjectMissing, ObjectChanged, SpecError) as error:
            self._table = None
            gone = "the table is not there any more"
            if isinstance(error, SpecError):
                return [Fault(Status.MISSING, gone)] * len(rows)
            return [fault_of(error, gone, "the table was changed after it was planned")] * len(rows)

    def close(self) -> None:
        """Let go of the file; the next fetch opens it anew."""
        self._table, self._batches, self._first, self._end = None, iter(()), 0, 0

    def _opened(self, etag: str) -> SequenceTable:
        if self._table is None:
            table = SequenceTable(self._source, self._storage)
            if table.etag != etag:
                raise ObjectChanged
            self._table, self._batches, self._first, self._end = table, iter(()), 0, 0
        return self._table

    def _one(self, table: SequenceTable, row: int) -> Region | Fault:
        try:
            with damage_as(_DAMAGED):
                self._go_to(table, row)
                value = self._column[row - self._first]
        except RecordError as error:
            table.check()
            self._batches, self._first, self._end = iter(()), 0, 0
            return Fault(error.status, error.detail)
        if not value.is_valid:
            return EMPTY
        raw = bytes(value.as_buffer()).strip()
        if not raw:
            return EMPTY
        if len(raw) > self._source.max_bases:
            return Fault(Status.TOO_LARGE, f"the sequence has more than {self._source.max_bases} letters")
        return Region(np.frombuffer(raw, np.uint8))

    def _go_to(self, table: SequenceTable, row: int) -> None:
        if not self._first <= row < self._end:
            if row < self._first or not self._end:
                self._batches, self._first, self._end = table.batches([self._source.sequence], row, _BATCH), 0, 0
            while not self._first <= row < self._end:
                found = next(self._batches, None)
                if found is None:
                    raise pa.ArrowInvalid("fewer rows than were planned")
                self._first, self._end = found[0], found[0] + found[1].num_rows
                self._column = decoded(found[1].column(0))
