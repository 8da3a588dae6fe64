"""The bytes of a FASTA, plain or bgzip, on disk or S3: any range of them, or all in turn."""

from collections.abc import Iterator

from cluster.storage import ObjectMissing, StorageSettings, Store, join, open_store, split
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.genomics.sequences.fasta_index import Blocks, read_gzi
from workers.reading.gzip import InflationError, begins_as_gzip, inflate_member

INDEX_LIMIT = 256 << 20
"""Bytes of an index; that of a human genome has a few thousand lines."""
_PIECE = 1 << 20
_BLOCK = 1 << 16
_DAMAGED = "the compressed file is damaged, or its .gzi is another's"


class FastaFile:
    """One version of a file: reads raise ObjectChanged for another, ObjectMissing, InfrastructureError.

    `name` is how the spec calls it, for errors.
    """

    def __init__(self, uri: str, storage: StorageSettings, name: str, etag: str | None = None) -> None:
        """Raises SpecError where it is not there, or compressed without an index."""
        folder, self.key = split(uri)
        self._store: Store = open_store(folder, storage)
        self._name = name
        head = self._store.head(self.key)
        if head is None:
            raise SpecError(f"{name} names a file that is not there: correct the uri")
        self.uri = join(self._store.uri, self.key)
        self.etag = head.etag if etag is None else etag
        self.size = head.size
        self._blocks = self._read_blocks()

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self._blocks is not None

    def read(self, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` of what it holds. Raises RecordError (unreadable) where they cannot be inflated."""
        found = self.read_to_end(start, stop)
        if self._blocks is not None and len(found) < stop - start:
            raise RecordError(Status.UNREADABLE, _DAMAGED)
        return found

    def read_to_end(self, start: int, stop: int) -> bytes:
        """The same, of a file that may end before. Raises RecordError (unreadable) as `read`."""
        if self._blocks is None:
            stop = min(stop, self.size)
            return self._store.get(self.key, start, stop - start, if_etag=self.etag) if start < stop else b""
        first, behind, at = self._blocks.covering(start, stop)
        length = None if behind is None else behind - first
        stored = self._store.get(self.key, first, length, if_etag=self.etag)
        return _inflate(stored, stop - at, self._blocks.sizes_from(at))[start - at :]

    def pieces(self) -> Iterator[bytes]:
        """All that it holds, in order. Raises SpecError where it is damaged."""
        if self._blocks is None:
            for start in range(0, self.size, _PIECE):
                yield self._store.get(self.key, start, _PIECE, if_etag=self.etag)
            return
        ends = [*self._blocks.stored[1:], self.size]
        for start, end in zip(self._blocks.stored, ends, strict=True):
            stored = self._store.get(self.key, start, end - start, if_etag=self.etag)
            try:
                yield _inflate(stored, None, iter(()))
            except RecordError:
                raise SpecError(f"{self._name} is damaged, or its .gzi is another's") from None

    def optional(self, ending: str) -> bytes | None:
        """An index beside it."""
        try:
            return self._store.get(self.key + ending, max_bytes=INDEX_LIMIT)
        except ObjectMissing:
            return None

    def _read_blocks(self) -> Blocks | None:
        if not begins_as_gzip(self._store.get(self.key, 0, 3)):
            return None
        index = self.optional(".gzi")
        if index is None:
            raise SpecError(f"{self._name} is compressed and has no .gzi beside it: compress it with bgzip -i")
        return read_gzi(index)


def _inflate(stored: bytes, wanted: int | None, sizes: Iterator[int]) -> bytes:
    """The first `wanted` bytes of some whole blocks, fewer where there are no more, all of them for None.

    `sizes` are what the index says of the blocks. Raises RecordError (unreadable) where they cannot be inflated, or are
    not so large. A block inflates to 64 KiB at most, and none is inflated behind that which has the last of them.
    """
    parts: list[bytes] = []
    held = 0
    while stored and (wanted is None or held < wanted):
        try:
            part, stored = inflate_member(stored, _BLOCK)
        except InflationError:
            raise RecordError(Status.UNREADABLE, _DAMAGED) from None
        if next(sizes, len(part)) != len(part):
            raise RecordError(Status.UNREADABLE, _DAMAGED)
        parts.append(part)
        held += len(part)
    return b"".join(parts)[:wanted]
