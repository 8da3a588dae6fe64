"""The bytes of a file of notes, plain or gzip, forward and in small blocks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from cluster.storage import Store

BLOCK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class DamagedError(Exception):
    """A compressed file that ends early, or is not what gzip wrote, from here on."""


def blocks(store: Store, key: str, size: int, etag: str | None, start: int = 0) -> Iterator[bytes]:
    """The content from byte `start`, inflated where the name ends in .gz (`start` then has to be 0).

    Raises ObjectMissing, ObjectChanged; DamagedError after all that could be inflated.
    """
    stored = _stored(store, key, size, etag, start)
    return _inflated(stored) if is_gzip(key) else stored


def is_gzip(key: str) -> bool:
    """Whether the file is compressed, by its name."""
    return key.lower().endswith(".gz")


def _stored(store: Store, key: str, size: int, etag: str | None, start: int) -> Iterator[bytes]:
    for at in range(start, size, BLOCK):
        yield store.get(key, at, min(BLOCK, size - at), if_etag=etag)


def _inflated(stored: Iterator[bytes]) -> Iterator[bytes]:
    """At most BLOCK bytes at a time, whatever they inflate to; a file may be several streams (RFC 1952 2.2)."""
    inflater = zlib.decompressobj(_GZIP)
    between = True
    for block in stored:
        data = block
        while data:
            if between and not data.strip(b"\0"):
                break
            before = inflater.copy()
            try:
                part = inflater.decompress(data, BLOCK)
            except zlib.error:
                yield from _salvaged(before, data)
                raise DamagedError from None
            between = False
            if part:
                yield part
            data = inflater.unconsumed_tail
            if inflater.eof:
                data, inflater, between = inflater.unused_data, zlib.decompressobj(_GZIP), True
    if not between:
        yield from _rest(inflater)
        if not inflater.eof:
            raise DamagedError


def _rest(inflater: zlib._Decompress) -> Iterator[bytes]:
    while part := inflater.decompress(inflater.unconsumed_tail, BLOCK):
        yield part


def _salvaged(inflater: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What comes out before the damage: a call that fails gives nothing, so it is asked byte by byte."""
    with suppress(zlib.error):
        for place in range(len(data)):
            if part := inflater.decompress(data[place : place + 1]):
                yield part


class Line(NamedTuple):
    """One line with its line break. `start` is its byte in the inflated file, `number` counts from 1.

    `data` is None where the line is longer than the limit; then `size` is its length, or None where the file is
    damaged or cut off from `start` on.
    """

    start: int
    size: int | None
    number: int
    data: bytes | None


def lines(content: Iterator[bytes], limit: int) -> Iterator[Line]:
    """The lines of a file; of a longer one than `limit` bytes nothing is held."""
    held: list[bytes] = []
    at = length = 0
    number = 1
    try:
        for block in content:
            begin = 0
            while (end := block.find(b"\n", begin)) >= 0:
                end += 1
                length += end - begin
                yield _line(at, length, number, [*held, block[begin:end]] if held else [block[begin:end]], limit)
                held, at, length, number, begin = [], at + length, 0, number + 1, end
            length += len(block) - begin
            held = [*held, block[begin:]] if length <= limit else []
    except DamagedError:
        yield Line(at, None, number, None)
        return
    if length:
        yield _line(at, length, number, held, limit)


def _line(start: int, size: int, number: int, parts: list[bytes], limit: int) -> Line:
    return Line(start, size, number, None if size > limit else b"".join(parts))
