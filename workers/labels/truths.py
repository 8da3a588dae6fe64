"""What is true, as numbers, from a column of labels; what no truth can be is an error, never a negative in silence."""

from collections.abc import Sequence

import polars as pl

from schemas.errors import SpecError
from schemas.wording import counted
from workers.labels.matching import as_ids, as_numbers, is_one_of
from workers.labels.settings import Value, Values, several

MOST = 3.4028234663852886e38
"""The largest number of float32, in which networks learn and score: what is beyond it counts as infinite."""
_MISSING = ("", "na", "n/a", "nan", "none", "null", "<na>")
"""What programs write, in any case, where a value is missing."""
_TWO = (0.0, 1.0)
_LEAVE = "or leave empty what is not known"


def plain(column: pl.Series, where: str) -> pl.Series:
    """The same column, with null for NaN. `where`: the key. Raises SpecError for one of lists, structures, bytes or
    durations."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Duration, pl.Object):
        raise SpecError(
            f"input.{where}: column {column.name!r} is of type {column.dtype}: name one of numbers, text, or true and "
            "false"
        )
    return column.fill_nan(None) if column.dtype.is_float() else column


def numbers(column: pl.Series, where: str, remedy: str) -> pl.Series:
    """Float64, null where there is nothing or NaN. Raises SpecError, with `remedy`, for what is no number."""
    found = as_numbers(column)
    wrong = int((found.is_null() & column.is_not_null() & ~_are_nan(column)).sum())
    if wrong:
        raise SpecError(
            f"input.{where}: {counted(wrong, 'value')} of {column.name!r} {_are(wrong)} no number"
            f"{'' if wrong == 1 else 's'}: {remedy}"
        )
    return found


def number_truth(column: pl.Series, where: str) -> pl.Series:
    """Float64, null where it is not known. Raises SpecError for what is no number, or no finite one."""
    found = numbers(plain(column, where), where, f"correct them, {_LEAVE}")
    beyond = int((found.abs() > MOST).sum())
    if beyond:
        raise SpecError(
            f"input.{where}: {counted(beyond, 'value')} of {column.name!r} {_are(beyond)} infinite, or beyond 3.4e38: "
            f"correct them, {_LEAVE}"
        )
    return found


def binary_truth(
    column: pl.Series, positive: Values, negative: Values | None, where: str, *, is_said: bool
) -> pl.Series:
    """1.0, 0.0, or null where it is not known: neither positive nor negative, where `negative` is given.

    `is_said`: whether the spec names `positive`; if it does not, truths are 0 and 1, or true and false. Raises
    SpecError for values that those of the spec cannot be told from.
    """
    column = plain(column, where)
    rows = pl.DataFrame([column])
    asked = [*several(positive), *several(negative)]
    if all(isinstance(value, bool) for value in asked):
        if negative is None:
            _refuse_other_words(rows, where)
    elif not any(isinstance(value, str) for value in asked):
        values = numbers(column, where, f"name them in quotes, such as positive: 'yes', {_LEAVE}")
        if not is_said and negative is None:
            _refuse_others(values, column.name, where)
        rows = pl.DataFrame([values])
    elif negative is None:
        _refuse_missing(column, where)
    others = pl.col(column.name).is_not_null() if negative is None else is_one_of(column.name, negative)
    return rows.select(pl.when(is_one_of(column.name, positive)).then(1.0).when(others).then(0.0)).to_series()


def class_truth(column: pl.Series, classes: Sequence[Value], where: str) -> tuple[pl.Series, int]:
    """The place among `classes`, Float64, null where it is not known; and how many values are none of them."""
    column = plain(column, where)
    if column.dtype.is_float() and any(isinstance(value, str) for value in classes):
        column = pl.DataFrame([column]).select(as_ids(pl.col(column.name), column.dtype)).to_series()
    places = (pl.when(is_one_of(column.name, value)).then(float(number)) for number, value in enumerate(classes))
    found = pl.DataFrame([column]).select(pl.coalesce(places)).to_series()
    return found, found.null_count() - column.null_count()


def _are_nan(column: pl.Series) -> pl.Series:
    """Text that is the number NaN: not known, as NaN of a column of numbers is."""
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    return text.is_in(["nan", "+nan", "-nan"]).fill_null(value=False)


def _refuse_others(values: pl.Series, name: str, where: str) -> None:
    others = int((~values.drop_nulls().is_in(_TWO)).sum())
    if others:
        raise SpecError(
            f"input.{where}: {counted(others, 'value')} of {name!r} {_are(others)} neither 0 nor 1: say which are "
            "positive (and which negative; others are then not known), or another task"
        )


def _refuse_other_words(rows: pl.DataFrame, where: str) -> None:
    (name,) = rows.columns
    others = rows.filter(pl.col(name).is_not_null() & ~is_one_of(name, (True, False))).height
    if others:
        raise SpecError(
            f"input.{where}: {counted(others, 'value')} of {name!r} {_are(others)} neither true nor false: name "
            f"them in quotes, such as positive: 'yes', {_LEAVE}"
        )


def _refuse_missing(column: pl.Series, where: str) -> None:
    """Raises SpecError where all others are negative, and among them are words for a value that is not there."""
    missing = int(column.cast(pl.String).str.to_lowercase().is_in(_MISSING).sum())
    if missing:
        raise SpecError(
            f"input.{where}: {counted(missing, 'value')} of {column.name!r} {'reads' if missing == 1 else 'read'} like "
            "one that is missing (NA, NaN, null, none), and would count as negative: leave them empty, or say which "
            "values are negative"
        )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
