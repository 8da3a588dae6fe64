"""Columns of OMOP tables as typed values, from Parquet types or from text. What cannot be read is null."""

import polars as pl

_EXACT = 2**53
"""Whole numbers below this are exact as float64."""
_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%z",)
_DATES = ("%Y-%m-%d", "%Y%m%d")


def whole(column: pl.Series) -> pl.Series:
    """Int64. `12.0` is 12, as tools write it that have no whole numbers beside nulls; `12.5` is null."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        exact = text.cast(pl.Int64, strict=False)
        return exact.fill_null(whole(text.cast(pl.Float64, strict=False)))
    if column.dtype.is_float() or column.dtype.is_decimal():
        number = column.cast(pl.Float64)
        fits = number.is_finite() & (number == number.floor()) & (number.abs() < _EXACT)
        return number.set(~fits.fill_null(False), None).cast(pl.Int64)
    if column.dtype.is_integer() or column.dtype == pl.Null:
        return column.cast(pl.Int64, strict=False)
    return pl.Series(column.name, [None] * len(column), pl.Int64)


def number(column: pl.Series) -> pl.Series:
    """Float32; what is not finite in it is null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        return pl.Series(column.name, [None] * len(column), pl.Float32)
    single = column.cast(pl.Float32, strict=False)
    return single.set(~single.is_finite().fill_null(True), None)


def text(column: pl.Series) -> pl.Series:
    """String; empty text is null."""
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return pl.Series(column.name, [None] * len(column), pl.String)
    words = column.cast(pl.String)
    return words.set((words == "").fill_null(False), None)


def moment(column: pl.Series) -> pl.Series:
    """UTC without a zone, in microseconds; what is finer is cut off. Dates mean midnight."""
    if column.dtype == pl.String:
        return _moment_of_text(column)
    if isinstance(column.dtype, pl.Datetime):
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if column.dtype.time_zone else column
        return plain.dt.cast_time_unit("us")
    if column.dtype in (pl.Date, pl.Null):
        return column.cast(pl.Datetime("us"))
    return pl.Series(column.name, [None] * len(column), pl.Datetime("us"))


def _moment_of_text(column: pl.Series) -> pl.Series:
    """`2020-05-03`, `20200503`, `2020-05-03 10:00:00.5`, also with T and a zone."""
    said = column.str.strip_chars().str.replace(" ", "T", literal=True)
    zoned = said.str.replace(r"[zZ]$", "+00:00").str.replace(r"([+-]\d\d)$", "${1}:00")
    zoned = zoned.set(~zoned.str.contains(r":\d\d(\.\d+)?[+-]\d\d:?\d\d$").fill_null(False), None)
    found = pl.Series(column.name, [None] * len(column), pl.Datetime("us"))
    for form in _DATES:
        found = found.fill_null(said.str.to_date(form, strict=False).cast(pl.Datetime("us")))
    for form in _TIMES:
        found = found.fill_null(said.str.to_datetime(form, time_unit="us", strict=False))
    for form in _ZONED:
        moments = zoned.str.to_datetime(form, time_unit="us", strict=False)
        found = found.fill_null(moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None))
    return found


def date_of(year: pl.Series, month: pl.Series, day: pl.Series) -> pl.Series:
    """Midnight of that day; a missing month is January, a missing day the first. Null for a day that is none."""
    words = [whole(year).cast(pl.String).str.zfill(4)]
    words += [whole(part).fill_null(1).cast(pl.String).str.zfill(2) for part in (month, day)]
    joined = words[0] + "-" + words[1] + "-" + words[2]
    return joined.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).alias(year.name)
