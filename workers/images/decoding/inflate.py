"""Deflate and gzip with a bound on what comes out."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO

from schemas.errors import RecordError
from schemas.status import Status

RAW_DEFLATE = -zlib.MAX_WBITS
GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"

Buffer = bytes | memoryview


def inflate(data: Buffer, limit: int, wbits: int = RAW_DEFLATE) -> bytes:
    """All of `data` decompressed.

    Raises RecordError: too_large as soon as more than `limit` bytes come out, unreadable if the stream is broken or
    ends early.
    """
    inflated, rest = _member(data, limit, wbits)
    if wbits != GZIP or not rest.startswith(_GZIP_MAGIC):
        return inflated
    # A gzip file may be several in a row (RFC 1952 2.2), as bgzip and `cat` make them: read as a stream, since taking
    # the rest of the bytes for each of thousands would copy them thousands of times.
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            inflated = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise RecordError(Status.UNREADABLE, "its compressed data is damaged") from None
    if len(inflated) > limit:
        raise RecordError(Status.TOO_LARGE, f"it inflates to more than {limit} bytes")
    return inflated


def _member(data: Buffer, limit: int, wbits: int) -> tuple[bytes, bytes]:
    """One stream decompressed, and the bytes that follow it."""
    inflater = zlib.decompressobj(wbits)
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error:
        raise RecordError(Status.UNREADABLE, "its compressed data is damaged") from None
    if len(inflated) > limit:
        raise RecordError(Status.TOO_LARGE, f"it inflates to more than {limit} bytes")
    if not inflater.eof:
        raise RecordError(Status.UNREADABLE, "its compressed data ends early")
    return inflated, inflater.unused_data


def inflate_start(data: Buffer, limit: int, wbits: int = RAW_DEFLATE) -> bytes:
    """At most `limit` bytes from the start of a stream of which `data` may be only the start.

    Raises RecordError (unreadable) if the stream is broken.
    """
    try:
        return zlib.decompressobj(wbits).decompress(data, limit)
    except zlib.error:
        raise RecordError(Status.UNREADABLE, "its compressed data is damaged") from None
