"""The input, cut into chunks that are read as one shard each."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from cluster.storage import Store
from cluster.storage.range_reader import RangeReader
from workers.conversion.chunks import key_of

CHUNK_FIELDS = (
    pa.field("kind", pa.string()),
    pa.field("file", pa.int32(), nullable=False),
    pa.field("start", pa.int64(), nullable=False),
    pa.field("stop", pa.int64(), nullable=False),
    pa.field("promised", pa.int64()),
)
"""Columns of the plan after the fixed ones. `promised` is how many records the source says that the file has."""


@dataclass(frozen=True)
class InputFile:
    """One object of the input. `kind` is what its records are, where its name says so.

    `cuts` are the places where chunks begin, and the end: bytes, or row groups. Two numbers: the file is one chunk.
    `sizes` are the bytes of each chunk as stored.
    """

    key: str
    etag: str
    kind: str | None
    cuts: tuple[int, ...]
    sizes: tuple[int, ...]
    promised: int | None = None


@dataclass(frozen=True)
class Chunk:
    """A piece of an input file. `file` is the number of the file in the order of the input."""

    key: str
    etag: str
    kind: str | None
    file: int
    start: int
    stop: int

    def get(self, store: Store, start: int, length: int) -> bytes:
        """Bytes of its file. Raises ObjectMissing, and ObjectChanged if it is not the object that was planned."""
        return store.get(self.key, start, length, if_etag=self.etag)

    def reader(self, store: Store, size: int) -> io.BufferedReader:
        """Its whole file, as it was planned; reading raises what `get` does."""
        return io.BufferedReader(RangeReader(lambda start, length: self.get(store, start, length), size), 1 << 20)


def even_cuts(size: int, chunk_bytes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Cuts and sizes for a file that can be cut anywhere; an empty file has one empty chunk."""
    cuts = (*range(0, size, chunk_bytes), size) if size else (0, 0)
    return cuts, tuple(after - before for before, after in pairwise(cuts))


def planned_chunks(files: Iterable[InputFile]) -> Iterator[dict[str, Any]]:
    """Every chunk of every file in order, for `workers.conversion.plans.read_plan`."""
    for number, file in enumerate(files):
        same = {"key": file.key, "etag": file.etag, "kind": file.kind, "file": number, "promised": file.promised}
        for (start, stop), size in zip(pairwise(file.cuts), file.sizes, strict=True):
            yield {**same, "start": start, "stop": stop, "size": size}


def chunk_of(row: Mapping[str, Any]) -> Chunk:
    """A row of the plan."""
    return Chunk(key_of(row["record_id"]), row["etag"], row["kind"], row["file"], row["start"], row["stop"])
