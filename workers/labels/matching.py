"""Values of a spec found in a column, whatever its type is."""

from collections.abc import Sequence

import polars as pl

from workers.labels.settings import Rows, Value

_WORDS = {True: ("true", "1", "1.0"), False: ("false", "0", "0.0")}
"""What is true or false in a column that may be text, a number or a truth value."""


def matches(rows: Rows) -> pl.Expr:
    """Whether a row is one of `rows`: in every column that it names."""
    return pl.all_horizontal(is_one_of(column, values) for column, values in rows.items())


def is_one_of(column: str, values: Value | Sequence[Value]) -> pl.Expr:
    """Compared as text where one of them is text, as truth where all are, else as numbers: the columns of CSV are text,
    and only the spec tells what they stand for."""
    asked = [values] if isinstance(values, bool | int | float | str) else list(values)
    if all(isinstance(value, bool) for value in asked):
        words = [word for value in asked for word in _WORDS[bool(value)]]
        return pl.col(column).cast(pl.String).str.to_lowercase().is_in(words)
    if any(isinstance(value, str) for value in asked):
        return pl.col(column).cast(pl.String).is_in([str(value) for value in asked])
    return pl.col(column).cast(pl.Float64).is_in([float(value) for value in asked])
