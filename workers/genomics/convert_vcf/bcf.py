"""Records of BCF as the lines of VCF that htslib makes of them."""

import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import cyvcf2

from schemas.errors import SpecError
from schemas.status import Fault, Status
from workers.genomics.convert_vcf.lines import DAMAGED, Line, Piece
from workers.genomics.files.bcf_records import BCF_MAGIC, LENGTHS, Sync, contigs_of, lengths_of

_SLICE = 4 << 20
_FIXED = 9
"""Columns of VCF before those of samples"""
_ENDS = Fault(Status.UNREADABLE, "the file ends within a record")


def bcf_lines(pieces: Iterable[Piece], header: bytes, max_line: int, *, from_start: bool = True) -> Iterator[Line]:
    """The records of a chunk, each once, in order.

    A record belongs to the chunk that its first byte lies in. Nothing says in the file where records begin, so a chunk
    looks for the first one that can be (`workers.genomics.files.bcf_records.Sync`), and reads over its end to see that
    the next chunk will find the record that follows its own last one. Raises SpecError where it would not.

    htslib is given some records at a time, uncompressed, behind the header of the file. What it cannot read of them it
    is given again record by record.
    """
    samples = max(0, header.rstrip(b"\n").rpartition(b"\n")[2].count(b"\t") + 1 - _FIXED)
    sync = Sync(samples, max(contigs_of(header), default=-1) + 1, max_line)
    chunk = _Chunk(sync, max_line, from_start)
    waiting, size = list[bytes](), 0
    for found in chunk.records(pieces):
        if isinstance(found, bytes):
            waiting.append(found)
            size += len(found)
        if size >= _SLICE or isinstance(found, Line):
            yield from _decoded(waiting, header)
            waiting, size = [], 0
        if isinstance(found, Line):
            yield found
    yield from _decoded(waiting, header)


class _Chunk:
    """The records of a chunk as they come out of its compression. Places are counted from its first byte; `_base` is
    that of the first byte that is held, `_limit` that from which on records are those of the next chunk."""

    def __init__(self, sync: Sync, max_line: int, from_start: bool) -> None:
        self._sync = sync
        self._max_line = max_line
        self._held, self._base = bytearray(), 0
        self._limit: int | None = None
        self._found = from_start
        self._next: _Next | None = None

    def records(self, pieces: Iterable[Piece]) -> Iterator[bytes | Line]:
        """Whole records, and a line for what could not be had."""
        for piece in pieces:
            if piece.trouble is not None:
                if self._is_out():
                    return
                yield Line(b"", DAMAGED)
                if not piece.inside:
                    return
                self._drop(len(self._held))
                self._found = False
                continue
            if not piece.inside:
                if self._next is None:
                    self._limit = self._base + len(self._held)
                    self._next = _Next(self._sync, self._limit)
                self._next.held += piece.data
            self._held += piece.data
            yield from self._cut(ended=False)
            if self._is_out() and (not self._found or self._meets_next(ended=False)):
                return
        yield from self._cut(ended=True)
        if self._found and self._held and not (self._is_out() and self._meets_next(ended=True)):
            yield Line(b"", _ENDS)

    def _is_out(self) -> bool:
        """Whether every record that begins in the chunk was given."""
        return self._limit is not None and self._base >= self._limit

    def _meets_next(self, *, ended: bool) -> bool:
        """Whether the next chunk begins with the record that is next here. Where it begins further on, since it takes
        damage for none, this one goes on up to there. Raises SpecError where it begins elsewhere."""
        place = None if self._next is None else self._next.begins(ended)
        if place is None:
            return False
        if place < self._base:
            raise SpecError(
                "a file of input.uri cannot be cut: something in it looks like the beginning of a record of BCF and is "
                "none; set input.chunk_bytes to more than its size, and it is read in one"
            )
        self._limit = place
        return self._base == place

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._base += count

    def _cut(self, *, ended: bool) -> Iterator[bytes | Line]:
        """The records that are there now, and begin in the chunk."""
        while not (self._is_out() and (not self._found or self._next is None or self._stays_out(ended))):
            if not self._found:
                first, safe = self._sync.first(self._held, ended)
                self._drop(safe if first is None else first)
                if first is None:
                    return
                self._found = True
                continue
            if len(self._held) < LENGTHS:
                return
            length = LENGTHS + sum(lengths_of(self._held))
            if length > self._max_line:
                yield Line(b"", Fault(Status.TOO_LARGE, f"a record is longer than {self._max_line} bytes, or damaged"))
                # Another one begins behind it, somewhere.
                self._found = False
                self._drop(LENGTHS)
            elif len(self._held) < length:
                return
            else:
                yield bytes(self._held[:length])
                self._drop(length)

    def _stays_out(self, ended: bool) -> bool:
        """Whether nothing more is to be cut: the next chunk takes over here, or it is not known yet where it does."""
        self._meets_next(ended=ended)
        if ended and self._next is not None and self._next.begins(ended) is None:
            self._limit = None
        return self._is_out()


class _Next:
    """Where the next chunk will begin: it looks from its own first byte on, in the middle of a record of this one."""

    def __init__(self, sync: Sync, base: int) -> None:
        self.held = bytearray()
        self._sync = sync
        self._base = base
        self._place: int | None = None

    def begins(self, ended: bool) -> int | None:
        """The place of its first record; None as long as it is not known, or where it has none at all."""
        if self._place is None:
            first, safe = self._sync.first(self.held, ended)
            del self.held[: safe if first is None else len(self.held)]
            if first is not None:
                self._place = self._base + first
            self._base += safe
        return self._place


def _decoded(records: list[bytes], header: bytes) -> Iterator[Line]:
    """The lines of some records."""
    if not records:
        return
    found = _read(records, header)
    if len(found) == len(records):
        yield from map(Line, found)
        return
    for record in records:
        alone = _read([record], header)
        yield Line(alone[0]) if alone else Line(b"", Fault(Status.UNREADABLE, "a record of BCF is damaged"))


def _read(records: list[bytes], header: bytes) -> list[bytes]:
    """Lines up to the first record that htslib refuses."""
    text = header + b"\0"
    with tempfile.TemporaryDirectory(prefix="wardround-bcf-") as folder:
        path = Path(folder) / "slice.bcf"
        path.write_bytes(b"".join([BCF_MAGIC, b"\x02", struct.pack("<I", len(text)), text, *records]))
        lines: list[bytes] = []
        try:
            with closing(cyvcf2.VCF(str(path))) as reader:
                lines.extend(str(variant).rstrip("\n").encode() for variant in reader)
        # What cyvcf2 raises for a header or a record that htslib refuses is Exception itself.
        except Exception:  # noqa: BLE001
            return lines
    return lines
