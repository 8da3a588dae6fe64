"""Parquet files of others: opened, checked, and what their damage means."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectMissing, Store
from schemas.errors import InfrastructureError, SpecError

UNREADABLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError)
"""What Arrow raises for a file that it cannot read; the last where a column's name is no text."""


_DAMAGED = "a .parquet file of input.uri is no Parquet file, or damaged: write it again, or move it away"


def raise_if_disk(error: Exception) -> None:
    """Raise InfrastructureError for an error of the operating system; Arrow's own OSErrors carry no number."""
    if isinstance(error, OSError) and error.errno is not None:
        code = errno.errorcode.get(error.errno, "EIO")
        raise InfrastructureError(f"a file cannot be read: {code}: check the disk or mount, then run again") from None


@contextmanager
def sound_parquet() -> Iterator[None]:
    """SpecError for what Arrow cannot read; its own message is dropped, since it may quote what it read."""
    try:
        yield
    except UNREADABLE as error:
        raise_if_disk(error)
        raise SpecError(_DAMAGED) from None
    except ObjectMissing:
        raise SpecError("a file of input.uri vanished while it was planned: stop what deletes there") from None


def parquet_schema(store: Store, key: str) -> pa.Schema:
    """Its columns. Raises SpecError."""
    with sound_parquet():
        return pq.ParquetFile(store.open_reader(key)).schema_arrow


def cast_column(column: pa.Array, name: str, kind: pa.DataType) -> pa.Array:
    """Raises SpecError where its values cannot be of that type."""
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # The message of Arrow quotes the value.
        raise SpecError(f"column {name!r} of a file of input.uri is {column.type}, where {kind} is needed") from None


def _checked(column: pa.Array) -> pa.Array:
    """Arrow does not check that text is UTF-8 when it reads it. Raises SpecError."""
    column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if not _is_text(column.type):
        return column
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        raise SpecError("an id or a carried column of a .parquet file of input.uri is not UTF-8: fix it") from None


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or _is_binary(kind))


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))
