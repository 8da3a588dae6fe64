"""Values of a spec found in a column, whatever its type is."""

import polars as pl

from workers.labels.settings import Rows, Values, several

_WORDS = {True: ("true", "1", "1.0"), False: ("false", "0", "0.0")}
"""What is true or false in a column that may be text, a number or a truth value."""


def matches(rows: Rows) -> pl.Expr:
    """Whether a row is one of `rows`: in every column that it names."""
    return pl.all_horizontal(is_one_of(column, values) for column, values in rows.items())


def is_one_of(column: str, values: Values) -> pl.Expr:
    """Compared as text where one of them is text, as truth where all are, else as numbers: the columns of CSV are text,
    and only the spec tells what they stand for. Text that is no number is none of some numbers; null stays null."""
    asked = several(values)
    if all(isinstance(value, bool) for value in asked):
        words = [word for value in asked for word in _WORDS[bool(value)]]
        return pl.col(column).cast(pl.String).str.to_lowercase().is_in(words)
    if any(isinstance(value, str) for value in asked):
        return pl.col(column).cast(pl.String).is_in([str(value) for value in asked])
    numbers = pl.col(column).cast(pl.Float64, strict=False).is_in([float(value) for value in asked])
    return pl.when(pl.col(column).is_not_null()).then(numbers.fill_null(value=False))


def as_numbers(column: pl.Series) -> pl.Series:
    """Float64; null for what is no number, NaN included."""
    return column.cast(pl.Float64, strict=False).fill_nan(None)


def as_ids(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Ids as text. Whole numbers have no decimals, whatever their type is: a table that was read and written again has
    17.0 where it had 17."""
    text = column.cast(pl.String)
    if not dtype.is_float():
        return text
    is_whole = (column == column.round(0)) & (column.abs() < _EXACT)
    return pl.when(is_whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(text)


_EXACT = 2.0**53
"""Up to here a float64 tells one whole number from the next."""
