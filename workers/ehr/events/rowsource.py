"""Rows of data files by their place, streamed forwards: what is asked for in order is decoded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectChanged, ObjectMissing, Store
from schemas.errors import InfrastructureError, RecordError
from schemas.status import Status
from workers.ehr.events.meds import DamagedFile, open_parquet
from workers.reading.absent import fault_of
from workers.reading.listing import planned_file
from workers.reading.parquet import damage_as

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Run:
    """Neighbouring rows of one data file."""

    uri: str
    etag: str | None
    first: int
    rows: int

    @property
    def end(self) -> int:
        """The row after its last."""
        return self.first + self.rows


class RowSource:
    """Reads runs of rows in any order; in ascending order within a file nothing is decoded twice. One thread at a time.

    Holds one batch of rows beside what it gives away. A row group is decoded from its start, so whether a row can be
    read does not depend on what was read before.
    """

    def __init__(self, store: Store, columns: Sequence[str]) -> None:
        self._store = store
        self._columns = list(columns)
        self._opened: tuple[str, str | None] | None = None
        self._file: pq.ParquetFile | None = None
        self._starts = np.zeros(1, np.int64)
        self._group = -1
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._batch: pa.Table | None = None
        self._batch_start = 0
        self._broken: dict[int, int] = {}
        """The first row that cannot be had, by row group of the open file."""

    def read(self, run: Run) -> pa.Table:
        """The rows. Raises RecordError (missing, input_changed, unreadable), InfrastructureError."""
        try:
            self._open(run)
            return pa.concat_tables(self._parts(run))
        except (ObjectMissing, ObjectChanged) as error:
            status, detail = fault_of(error, "its data file is gone", "its data file was changed after it was planned")
        except DamagedFile:
            status, detail = Status.UNREADABLE, "its data file is damaged"
        except _Damaged as damaged:
            status, detail = Status.UNREADABLE, f"row group {damaged.group} of its data file is damaged"
        except (InfrastructureError, MemoryError):
            # What was being decoded gives no more; taken up again later, its end would look like damage.
            self._opened = None
            raise
        if status != Status.UNREADABLE:
            self._opened = None
        raise RecordError(status, detail)

    def _open(self, run: Run) -> None:
        if (run.uri, run.etag) == self._opened:
            return
        self._opened = None
        key = run.uri.removeprefix(self._store.uri.rstrip("/") + "/")
        planned_file(self._store, key, run.etag)
        self._file = open_parquet(self._store, key, codes=True)
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
        self._broken = {}
        self._drop()
        self._opened = run.uri, run.etag

    def _drop(self) -> None:
        self._group, self._batch, self._batch_start = -1, None, 0

    def _parts(self, run: Run) -> Iterator[pa.Table]:
        # Fewer rows than were planned, though the etag is the same: the file was changed in between.
        if run.end > self._starts[-1]:
            raise ObjectChanged
        row = run.first
        while row < run.end:
            self._seek(row)
            assert self._batch is not None
            part = self._batch.slice(row - self._batch_start, run.end - row)
            row += part.num_rows
            yield part

    def _seek(self, row: int) -> None:
        """Have the batch that holds the row."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        # Known from before: decoding the row group to its broken place again would take as long each time.
        if row >= self._broken.get(group, row + 1):
            raise _Damaged(group)
        # Batches only go forward: for an earlier row the row group is begun anew.
        if group != self._group or row < self._batch_start:
            self._start(group)
        while self._batch is None or row >= self._batch_start + self._batch.num_rows:
            self._advance()

    def _start(self, group: int) -> None:
        assert self._file is not None
        present = [name for name in self._columns if name in self._file.schema_arrow.names]
        self._drop()
        self._batch_start = int(self._starts[group])
        self._group = group
        self._batches = self._file.iter_batches(_BATCH_ROWS, [group], columns=present, use_threads=False)

    def _advance(self) -> None:
        start = self._batch_start + (self._batch.num_rows if self._batch is not None else 0)
        group = self._group
        try:
            with damage_as(DamagedFile()):
                batch = next(self._batches, None)
        except DamagedFile:
            batch = None
        if batch is None:
            self._broken[group] = start
            self._drop()
            raise _Damaged(group)
        self._batch, self._batch_start = pa.Table.from_batches([batch]), start


class _Damaged(Exception):
    def __init__(self, group: int) -> None:
        super().__init__(group)
        self.group = group
