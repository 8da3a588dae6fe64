"""Get the bytes of planned records: whole objects by key, or rows of a Parquet column."""

import io
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectChanged, ObjectMissing, ObjectTooLarge, StorageSettings, is_inside, open_store
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.planning import kind_of, roots_of
from workers.images.settings import GIB, ImagesInput
from workers.pipeline.reading import at_rows
from workers.reading.absent import fault_of
from workers.reading.archives.inflated_tars import InflatedTars
from workers.reading.archives.members import MemberStore
from workers.reading.archives.names import file_of
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import parquet_file

_DAMAGED = RecordError(Status.UNREADABLE, "its Parquet file is damaged")


@dataclass(frozen=True)
class Wanted:
    """One object, or one row of one. `place`: the row of the shard that it is read for."""

    uri: str
    row: int | None = None
    etag: str | None = None
    place: int = 0


@dataclass(frozen=True)
class Fetched:
    """Its bytes, or why there are none."""

    data: bytes | memoryview = b""
    status: Status | None = None
    detail: str = ""


class Fetcher(Protocol):
    """Where bytes come from."""

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """The objects in the order asked for. Raises InfrastructureError where storage keeps failing."""

    def close(self) -> None:
        """Stop what runs in the background."""


class ObjectFetcher:
    """Whole objects under the roots that the spec allows, several at a time. Safe for several threads."""

    def __init__(
        self,
        roots: Sequence[str],
        settings: StorageSettings,
        max_bytes: int,
        threads: int,
        confine: bool,
        max_inflated: int = GIB,
    ) -> None:
        self._tars = InflatedTars()
        stores = (open_store(root, settings) for root in roots)
        self._stores = {store.uri.rstrip("/"): MemberStore(store, max_inflated, self._tars) for store in stores}
        self._max_bytes = max_bytes
        self._confine = confine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """The objects in the order asked for."""
        return list(self._pool.map(self._one, wanted))

    def _one(self, wanted: Wanted) -> Fetched:
        found = self._locate(wanted.uri)
        if found is None:
            return Fetched(status=Status.UNSUPPORTED, detail="lies outside input.roots")
        store, key = found
        if not key:
            return Fetched(status=Status.MISSING, detail="its uri names no object")
        try:
            with at_rows(wanted.place):
                return Fetched(store.get(key, max_bytes=self._max_bytes, if_etag=wanted.etag))
        except (ObjectMissing, ObjectChanged) as error:
            return _absent(error)
        except ObjectTooLarge:
            return Fetched(status=Status.TOO_LARGE, detail=f"the object is larger than {self._max_bytes} bytes")
        except RecordError as error:
            return Fetched(status=error.status, detail=error.detail)

    def open(self, wanted: Wanted) -> io.RawIOBase | Fetched:
        """A file that reads ranges of the object, or why there is none."""
        found = self._locate(wanted.uri)
        if found is None:
            return Fetched(status=Status.UNSUPPORTED, detail="lies outside input.roots")
        try:
            return found[0].open_reader(found[1], if_etag=wanted.etag)
        except (ObjectMissing, ObjectChanged) as error:
            return _absent(error)
        except RecordError as error:
            return Fetched(status=error.status, detail=error.detail)

    def _locate(self, uri: str) -> tuple[MemberStore, str] | None:
        for root, store in self._stores.items():
            # By the path that it really leads to: a link below the root may lead out of it.
            if uri.startswith(root + "/") and (not self._confine or is_inside(file_of(uri), [root])):
                return store, uri[len(root) + 1 :]
        return None

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._tars.close()


class ColumnFetcher:
    """Rows of a binary column of Parquet files, a row group at a time; the last one is kept."""

    def __init__(self, root: str, settings: StorageSettings, column: str) -> None:
        self._store = open_store(root, settings)
        self._root = self._store.uri.rstrip("/")
        self._column = column
        self._opened: tuple[str, str | None] = ("", None)
        self._file: pq.ParquetFile | None = None
        self._starts: list[int] = []
        self._group = -1
        self._values: pa.ChunkedArray = pa.chunked_array([], pa.binary())
        self._lock = threading.Lock()

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """The bodies in the order asked for; rows of one row group next to each other cost one read."""
        with self._lock:
            return [self._one(item) for item in wanted]

    def _one(self, wanted: Wanted) -> Fetched:
        assert wanted.row is not None
        try:
            with at_rows(wanted.place), damage_as(_DAMAGED):
                self._open(wanted.uri, wanted.etag)
                value = self._value(wanted.row)
        except (ObjectMissing, ObjectChanged) as error:
            return _absent(error, "no Parquet file at its uri", "the Parquet file was changed after it was planned")
        except RecordError as error:
            return Fetched(status=error.status, detail=error.detail)
        if value is None or not value.is_valid:
            return Fetched(status=Status.EMPTY, detail=f"column {self._column} is null")
        return Fetched(memoryview(value.as_buffer()))

    def _open(self, uri: str, etag: str | None) -> None:
        if (uri, etag) == self._opened:
            return
        self._opened, self._group = ("", None), -1
        key = uri[len(self._root) + 1 :]
        self._file = parquet_file(self._store.open_reader(key, if_etag=etag))
        self._opened = uri, etag
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._starts = [sum(sizes[:group]) for group in range(len(sizes) + 1)]

    def _value(self, row: int) -> pa.Scalar | None:
        """None where the file has no such row."""
        assert self._file is not None
        group = next((g for g in range(len(self._starts) - 1) if row < self._starts[g + 1]), -1)
        if group < 0:
            return None
        if group != self._group:
            self._values = self._column_of(group)
            self._group = group
        return self._values[row - self._starts[group]]

    def _column_of(self, group: int) -> pa.ChunkedArray:
        """Left in chunks: an array of binary values cannot hold more than 2 GiB."""
        assert self._file is not None
        return self._file.read_row_group(group, columns=[self._column], use_threads=False).column(0)

    def close(self) -> None:
        """Nothing runs in the background."""


def fetcher_of(source: ImagesInput, storage: StorageSettings, at_once: int) -> Fetcher:
    """What fetches the images of this input, so many at a time."""
    roots = roots_of(source, storage)
    if source.bytes_column is not None:
        return ColumnFetcher(roots[0], storage, source.bytes_column)
    confine = kind_of(source) == "table"
    return ObjectFetcher(roots, storage, source.max_bytes, at_once, confine, source.max_inflated)


def _absent(
    error: ObjectMissing | ObjectChanged,
    missing: str = "no object at its uri",
    changed: str = "the object was changed after it was planned",
) -> Fetched:
    fault = fault_of(error, missing, changed)
    return Fetched(status=fault.status, detail=fault.detail)


def rows_of(records: pa.Table) -> list[Mapping[str, Any]]:
    """The plan's columns that reading needs, a mapping a record."""
    rows: list[Mapping[str, Any]] = records.select(["record_id", "uri", "member", "size", "etag"]).to_pylist()
    return rows
