"""The lines of a chunk of VCF, whichever way it is compressed. Bounded memory, whatever the file holds."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.status import Fault, Status
from workers.genomics.convert_vcf.bgzf import Block, Fetch
from workers.reading.gzip import InflationError, in_blocks, inflated

_STEP = 4 << 20


DAMAGED = Fault(Status.UNREADABLE, "the compressed file is damaged here: records were lost")


@dataclass(frozen=True)
class Line:
    """A line without its end. With `trouble` there is no data: it stands for what could not be had."""

    data: bytes
    trouble: Fault | None = None


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file as they come out of its compression. `inside`: they begin in the chunk."""

    data: bytes
    inside: bool = True
    trouble: Fault | None = None


def text_pieces(fetch: Fetch, start: int, stop: int) -> Iterator[Piece]:
    """The pieces of a file that is not compressed, to its end."""
    while True:
        inside = start < stop
        data = fetch(start, min(_STEP, stop - start) if inside else _STEP)
        if not data:
            return
        yield Piece(data, inside)
        start += len(data)


def bgzf_pieces(blocks: Iterable[Block], stop: int) -> Iterator[Piece]:
    """The pieces of a BGZF file, a block at a time."""
    for block in blocks:
        yield Piece(block.data or b"", block.place < stop, DAMAGED if block.data is None else None)


def gzip_pieces(stream: io.BufferedIOBase, max_inflated: int) -> Iterator[Piece]:
    """The pieces of a gzipped file that can be read from its start only."""
    try:
        for data in inflated(in_blocks(stream), max_inflated):
            yield Piece(data)
    except InflationError as error:
        yield Piece(b"", trouble=Fault(error.status, error.detail))


def skipped(pieces: Iterable[Piece], count: int) -> Iterator[Piece]:
    """The pieces without their first bytes: those of a header."""
    for piece in pieces:
        drop = min(count, len(piece.data))
        count -= drop
        yield Piece(piece.data[drop:], piece.inside, piece.trouble) if drop else piece


def lines_of(pieces: Iterable[Piece], *, from_start: bool, max_line: int) -> Iterator[Line]:
    """The lines of a chunk.

    A line belongs to the chunk that the line end before it lies in; the first chunk has the first line, too. So a chunk
    reads over its end up to the next line end, and throws away what comes before the first one in it.
    """
    held = _Held(max_line)
    waiting = not from_start
    for piece in pieces:
        if not piece.inside and waiting:
            return
        if piece.trouble is not None:
            yield Line(b"", piece.trouble)
            held.clear()
            waiting = True
            continue
        at = 0
        if waiting:
            at = piece.data.find(b"\n") + 1
            if not at:
                continue
            waiting = False
        if not piece.inside:
            end = piece.data.find(b"\n", at)
            held.add(piece.data[at:] if end < 0 else piece.data[at:end])
            if end >= 0:
                yield held.line()
                return
            continue
        *whole, rest = piece.data[at:].split(b"\n")
        for part in whole:
            held.add(part)
            yield held.line()
        held.add(rest)
    if held.size:
        yield held.line()


class _Held:
    """The beginning of a line whose end has not come. No more is held of one that is too long."""

    def __init__(self, max_line: int) -> None:
        self.size = 0
        self._max_line = max_line
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """More of it."""
        self.size += len(part)
        if self.size > self._max_line:
            self._parts = []
        elif part:
            self._parts.append(part)

    def line(self) -> Line:
        """All of it; the next one begins."""
        data, size = b"".join(self._parts), self.size
        self.clear()
        if size > self._max_line:
            return Line(b"", Fault(Status.TOO_LARGE, f"longer than {self._max_line} bytes"))
        return Line(data[:-1] if data.endswith(b"\r") else data)

    def clear(self) -> None:
        """Forget it."""
        self.size, self._parts = 0, []
