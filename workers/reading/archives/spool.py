"""What listing one archive found, in the temporary folder: some numbers a member are held, never its name."""

import tempfile
from array import array
from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
from numpy.typing import NDArray

from schemas.temporary import room_for
from workers.reading.archives.found import Found
from workers.reading.archives.places import version_of

_ROWS = 8192
_SCHEMA = pa.schema([("name", pa.string()), ("version", pa.string()), ("size", pa.int64())])

Row = tuple[str, str, int]
"""Name, version and size of a member."""


class MemberSpool:
    """Members of one archive of version `etag`, written once and then read as often as need be."""

    def __init__(self, etag: str) -> None:
        self._etag = etag
        self._file = tempfile.TemporaryFile(prefix="wardround-members-")  # noqa: SIM115 - closed by close
        self._begin()

    def _begin(self) -> None:
        self._writer = ipc.new_stream(self._file, _SCHEMA)
        self._waiting: list[Row] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._begins, self._ends = array("q"), array("q")

    def close(self) -> None:
        """Forget all."""
        self._file.close()

    def add(self, found: Found) -> None:
        """One more. Raises InfrastructureError where the temporary folder is full."""
        self._waiting.append((found.name, version_of(self._etag, found.place), found.size))
        self._begins.append(found.begins)
        self._ends.append(found.ends)
        if len(self._waiting) == _ROWS:
            self._flush()

    def clear(self) -> None:
        """Forget what was added."""
        self._file.seek(0)
        self._file.truncate()
        self._begin()

    def finish(self) -> None:
        """No more will come."""
        self._flush()
        with room_for("the members of an archive do"):
            self._writer.close()
            self._file.flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        columns = zip(zip(*self._waiting, strict=True), _SCHEMA.types, strict=True)
        batch = pa.record_batch([pa.array(values, kind) for values, kind in columns], schema=_SCHEMA)
        self._hashes.append(pl.Series(pl.from_arrow(batch.column(0))).hash(seed=5).to_numpy())
        with room_for("the members of an archive do"):
            self._writer.write_batch(batch)
        self._waiting = []

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """Hashes of the names; equal names have equal ones."""
        return np.concatenate(self._hashes) if self._hashes else np.zeros(0, np.uint64)

    @property
    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each begins and ends in its archive."""
        return np.frombuffer(self._begins, np.int64), np.frombuffer(self._ends, np.int64)

    def rows(self) -> Iterator[Row]:
        """All of them, in order."""
        self._file.seek(0)
        for batch in ipc.open_stream(self._file):
            columns = [batch.column(place).to_pylist() for place in range(batch.num_columns)]
            yield from zip(*columns, strict=True)
