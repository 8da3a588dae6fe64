"""Compressed objects, inflated whole."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import RecordError
from schemas.status import Status
from workers.reading.gzip import RAW_DEFLATE, Buffer, Fault, InflationError, inflate_member, inflated


def inflate(data: Buffer, limit: int) -> bytes:
    """A raw deflate stream decompressed.

    Raises RecordError: too_large as soon as more than `limit` bytes come out, unreadable if the stream is broken or
    ends early.
    """
    with _of_record():
        return inflate_member(data, limit, RAW_DEFLATE)[0]


def gunzip(data: Buffer, limit: int) -> bytes:
    """Every member of a gzip stream decompressed, and not what else stands behind the last. Raises RecordError."""
    parts: list[bytes] = []
    with _of_record():
        try:
            parts.extend(inflated([data], limit))
        except InflationError as error:
            # A picture is whole by its own header and checksum, whatever a transfer left behind it.
            if error.fault is not Fault.BEHIND:
                raise
    return b"".join(parts)


@contextmanager
def _of_record() -> Iterator[None]:
    """Say it of a record, which may be no file."""
    try:
        yield
    except InflationError as error:
        if error.fault is Fault.TOO_LARGE:
            raise RecordError(Status.TOO_LARGE, f"it inflates to more than {error.limit} bytes") from None
        how = "ends early" if error.fault is Fault.CUT_OFF else "is damaged"
        raise RecordError(Status.UNREADABLE, f"its compressed data {how}") from None
