"""Deflate and gzip with a bound on what comes out."""

from __future__ import annotations

import zlib

from schemas.errors import RecordError
from schemas.status import Status

RAW_DEFLATE = -zlib.MAX_WBITS
GZIP = 16 + zlib.MAX_WBITS

Buffer = bytes | memoryview


def inflate(data: Buffer, limit: int, wbits: int = RAW_DEFLATE) -> bytes:
    """All of `data` decompressed.

    Raises RecordError: too_large as soon as more than `limit` bytes come out, unreadable if the stream is broken or
    ends early.
    """
    inflater = zlib.decompressobj(wbits)
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error:
        raise RecordError(Status.UNREADABLE, "its compressed data is damaged") from None
    if len(inflated) > limit:
        raise RecordError(Status.TOO_LARGE, f"it inflates to more than {limit} bytes")
    if not inflater.eof:
        raise RecordError(Status.UNREADABLE, "its compressed data ends early")
    return inflated


def inflate_start(data: Buffer, limit: int, wbits: int = RAW_DEFLATE) -> bytes:
    """At most `limit` bytes from the start of a stream of which `data` may be only the start.

    Raises RecordError (unreadable) if the stream is broken.
    """
    try:
        return zlib.decompressobj(wbits).decompress(data, limit)
    except zlib.error:
        raise RecordError(Status.UNREADABLE, "its compressed data is damaged") from None
