"""The lines of a text file on storage, plain or gzip, a block at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from cluster.storage import ObjectChanged, ObjectInfo, ObjectMissing, Store
from schemas.errors import SpecError

BLOCK = 1 << 20
LONGEST_LINE = 16 << 20
"""Of a longer line only so many bytes are kept."""
_GZIP = 16 + zlib.MAX_WBITS
_DAMAGED = "a compressed file of input.uri is damaged or cut off: write it again, or move it away"


class Line(NamedTuple):
    """A line without its line break; `is_whole` is False where it was too long to be kept."""

    data: bytes
    is_whole: bool


def lines(store: Store, info: ObjectInfo) -> Iterator[Line]:
    """Every line in order. Raises SpecError for a file that is damaged, or changes meanwhile."""
    held, is_whole = b"", True
    for block in _content(store, info):
        *ended, rest = block.split(b"\n")
        for part in ended:
            held, is_whole = _joined(held, part, is_whole)
            yield Line(held.removesuffix(b"\r"), is_whole)
            held, is_whole = b"", True
        held, is_whole = _joined(held, rest, is_whole)
    if held:
        yield Line(held.removesuffix(b"\r"), is_whole)


def _joined(held: bytes, part: bytes, is_whole: bool) -> tuple[bytes, bool]:
    room = LONGEST_LINE - len(held)
    return held + part[:room], is_whole and len(part) <= room


def _content(store: Store, info: ObjectInfo) -> Iterator[bytes]:
    stored = _stored(store, info)
    return _inflated(stored) if info.key.lower().endswith(".gz") else stored


def _stored(store: Store, info: ObjectInfo) -> Iterator[bytes]:
    try:
        for at in range(0, info.size, BLOCK):
            yield store.get(info.key, at, min(BLOCK, info.size - at), if_etag=info.etag)
    except (ObjectMissing, ObjectChanged):
        raise SpecError("a file of input.uri vanished or changed while it was planned: run again") from None


def _inflated(stored: Iterator[bytes]) -> Iterator[bytes]:
    """At most BLOCK bytes at a time, whatever they inflate to; a file may be several streams (RFC 1952 2.2)."""
    inflater = zlib.decompressobj(_GZIP)
    between = True
    try:
        for block in stored:
            data = block
            while data and not (between and not data.strip(b"\0")):
                between = False
                part = inflater.decompress(data, BLOCK)
                if part:
                    yield part
                data = inflater.unconsumed_tail
                if inflater.eof:
                    data, inflater, between = inflater.unused_data, zlib.decompressobj(_GZIP), True
        while not between and (part := inflater.decompress(inflater.unconsumed_tail, BLOCK)):
            yield part
    except zlib.error:
        raise SpecError(_DAMAGED) from None
    if not (between or inflater.eof):
        raise SpecError(_DAMAGED)
