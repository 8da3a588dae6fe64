"""The reading side of stages that look at headers, such as the one that counts frames: by range, no pixel."""

import io
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import IO, Any

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.headers import read_header
from workers.images.fetching import Fetched, ObjectFetcher, Wanted, rows_of
from workers.images.settings import ImagesInput
from workers.pipeline.reading import Prepared, at_rows
from workers.reading.absent import fault_of

_CHUNK = 64
_BUFFER = 1 << 16


class HeaderReader:
    """Implements `workers.pipeline.reading.Reader`: `n_frames` of each object, or its status."""

    def __init__(self, fetcher: ObjectFetcher, source: ImagesInput, threads: int) -> None:
        self.prepare_seconds = 0.0
        self._fetcher = fetcher
        self.source = source
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="headers")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order."""
        rows = enumerate(rows_of(records))
        while chunk := list(islice(rows, _CHUNK)):
            yield list(self._pool.map(self._numbered, chunk))

    def _numbered(self, numbered: tuple[int, Mapping[str, Any]]) -> Prepared:
        with at_rows(numbered[0]):
            return self._one(*numbered)

    def _one(self, row: int, record: Mapping[str, Any]) -> Prepared:
        opened = self._fetcher.open(Wanted(record["uri"], etag=record["etag"]))
        if isinstance(opened, Fetched):
            assert opened.status is not None
            return Prepared(row, status=opened.status, detail=opened.detail)
        began = time.thread_time()
        try:
            # Of a service an open object holds one of few connections.
            with opened:
                return self.describe(io.BufferedReader(opened, _BUFFER), row, record)
        except RecordError as error:
            return Prepared(row, status=Status(error.status), detail=error.detail)
        except (ObjectMissing, ObjectChanged) as error:
            fault = fault_of(error, "no object at its uri", "the object was changed while it was read")
            return Prepared(row, status=fault.status, detail=fault.detail)
        finally:
            self.prepare_seconds += time.thread_time() - began

    def describe(self, file: IO[bytes], row: int, record: Mapping[str, Any]) -> Prepared:
        """What the header of a planned object says. Raises RecordError."""
        return Prepared(row, columns={"n_frames": read_header(file, self.source).n_frames})

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._fetcher.close()
