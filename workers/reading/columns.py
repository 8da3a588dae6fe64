"""Columns of tables of others: their types, and casts whose errors never quote a value."""

import pyarrow as pa

from schemas.errors import SpecError


def is_text(kind: pa.DataType) -> bool:
    """Text, of whatever size of offset."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Bytes of any length."""
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, also where they are kept as a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def decoded(column: pa.Array) -> pa.Array:
    """The values themselves where they are kept as a dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def cast_column(column: pa.Array, name: str, kind: pa.DataType) -> pa.Array:
    """Raises SpecError where its values cannot be of that type."""
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Arrow's own message quotes the value.
        raise SpecError(
            f"column {name!r} of the input is {column.type} and cannot be read as {kind}: correct or rename it"
        ) from None


def checked_text(column: pa.Array) -> pa.Array:
    """The column, of text and bytes as text that is sure to be UTF-8, which reading Parquet does not check.

    Raises SpecError.
    """
    column = decoded(column)
    if not (is_text(column.type) or is_binary(column.type)):
        return column
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        raise SpecError("an id or a carried column of a .parquet file of input.uri is not UTF-8: fix it") from None
