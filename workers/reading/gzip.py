"""Deflate and gzip, inflated with a bound on what is held and on what comes out. Nothing else here calls zlib."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.errors import RecordError
from schemas.status import Status

GZIP = 16 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS
ZLIB = zlib.MAX_WBITS
PIECE = 1 << 20
"""Bytes that are read of a stored file at a time, and that come out at a time."""

if TYPE_CHECKING:
    from _typeshed import SupportsRead, WriteableBuffer

Buffer = bytes | memoryview

# What one member leaves unused is copied, and a file of bgzip has thousands: so no more than this is given at a time.
_FED = 256 << 10
_MAGIC = b"\x1f\x8b\x08"


class Fault(StrEnum):
    """Why compressed bytes give no more; the values are details for rows."""

    DAMAGED = "the gzipped file is damaged from here on"
    CUT_OFF = "the gzipped file ends early"
    BEHIND = "something that is no gzip stands behind the gzipped file"
    TOO_LARGE = "the file inflates to too much"


class InflationError(RecordError):
    """Compressed bytes give no more, by `fault`: `too_large` beyond a limit, else `unreadable`."""

    def __init__(self, fault: Fault, limit: int | None = None) -> None:
        self.fault, self.limit = fault, limit
        if fault is Fault.TOO_LARGE:
            super().__init__(Status.TOO_LARGE, f"the file inflates to more than {limit} bytes")
        else:
            super().__init__(Status.UNREADABLE, fault.value)

    def __reduce__(self) -> tuple[type[InflationError], tuple[Fault, int | None]]:
        return InflationError, (self.fault, self.limit)


def is_gzip(name: str) -> bool:
    """Whether a file is compressed, by its name."""
    return name.lower().endswith((".gz", ".bgz"))


def begins_as_gzip(data: Buffer) -> bool:
    """Whether it is a gzip stream, of whatever, by its first three bytes."""
    return bytes(data[:3]) == _MAGIC


def in_blocks(file: SupportsRead[bytes | None]) -> Iterator[bytes]:
    """The rest of a file, `PIECE` bytes at a time."""
    while block := file.read(PIECE):
        yield block


def inflated(stored: Iterable[Buffer], limit: int | None = None) -> Iterator[bytes]:
    """What a gzip file holds that comes in blocks of any size: pieces of at most `PIECE` bytes.

    Several members in a row are one content (RFC 1952, 2.2), with or without zeros between and behind them. Raises
    InflationError behind all that came out right before; what is damaged shows at the latest at the end of its member,
    so the last pieces before the error may be wrong.
    """
    members, total = _Members(), 0
    for piece in members.pieces(stored):
        total += len(piece)
        if limit is not None and total > limit:
            raise InflationError(Fault.TOO_LARGE, limit)
        yield piece


def inflate_member(data: Buffer, limit: int, wbits: int = GZIP) -> tuple[bytes, bytes]:
    """One stream decompressed and checked, and the bytes that follow it. Raises InflationError."""
    machine = zlib.decompressobj(wbits)
    try:
        # The end is seen with room for one byte more.
        content = machine.decompress(data, limit + 1)
    except zlib.error:
        raise InflationError(Fault.DAMAGED) from None
    if len(content) > limit:
        raise InflationError(Fault.TOO_LARGE, limit)
    if not machine.eof:
        raise InflationError(Fault.CUT_OFF)
    return content, machine.unused_data


def inflate_start(data: Buffer, limit: int, wbits: int = RAW_DEFLATE) -> bytes:
    """At most `limit` bytes from the start of a stream of which `data` may be only the start. Raises InflationError."""
    try:
        return zlib.decompressobj(wbits).decompress(data, limit)
    except zlib.error:
        raise InflationError(Fault.DAMAGED) from None


class InflatedFile(io.RawIOBase):
    """What an open gzip file holds, as a file to be read forward. Reading raises InflationError."""

    def __init__(self, file: SupportsRead[bytes | None], limit: int | None = None) -> None:
        super().__init__()
        self._pieces = inflated(in_blocks(file), limit)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Some bytes, none at the end."""
        view = memoryview(buffer).cast("B")
        if not self._held:
            self._held = memoryview(next(self._pieces, b""))
        part = self._held[: len(view)]
        view[: len(part)], self._held = part, self._held[len(part) :]
        return len(part)


class _Members:
    """The members of one file in turn."""

    def __init__(self) -> None:
        self._machine = zlib.decompressobj(GZIP)
        self._ended = 0
        self._is_inside = False

    def pieces(self, stored: Iterable[Buffer]) -> Iterator[bytes]:
        """All that comes out. Raises InflationError."""
        for block in stored:
            view = memoryview(block)
            for at in range(0, len(view), _FED):
                yield from self._feed(view[at : at + _FED])
        # A call that filled its piece to the brim may have kept some.
        while self._is_inside and (kept := list(self._step(b""))):
            yield from kept
        if self._is_inside and not self._machine.eof:
            raise InflationError(Fault.CUT_OFF)

    def _feed(self, data: Buffer) -> Iterator[bytes]:
        while data:
            if not self._is_inside:
                data = self._begin(bytes(data))
                if not data:
                    return
            yield from self._step(data)
            data = self._machine.unconsumed_tail
            if self._machine.eof:
                data, self._machine = self._machine.unused_data, zlib.decompressobj(GZIP)
                self._ended, self._is_inside = self._ended + 1, False

    def _begin(self, data: bytes) -> bytes:
        """What is left of it without padding; a member begins there."""
        if self._ended:
            data = data.lstrip(b"\0")
            if not _MAGIC.startswith(data[:3]):
                raise InflationError(Fault.BEHIND)
        self._is_inside = bool(data)
        return data

    def _step(self, data: Buffer) -> Iterator[bytes]:
        before = self._machine.copy()
        try:
            piece = self._machine.decompress(data, PIECE)
        except zlib.error:
            yield from _salvaged(before, data)
            raise InflationError(Fault.DAMAGED) from None
        if piece:
            yield piece


def _salvaged(machine: zlib._Decompress, data: Buffer) -> Iterator[bytes]:
    """What comes out before the damage, less than a piece: a call that fails gives nothing, so it is asked bytewise."""
    parts: list[bytes] = []
    with suppress(zlib.error):
        parts.extend(machine.decompress(data[at : at + 1]) for at in range(len(data)))
    if piece := b"".join(parts):
        yield piece
