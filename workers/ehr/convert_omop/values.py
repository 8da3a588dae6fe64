"""Columns of OMOP tables as typed values, from Parquet types or from text. What cannot be read is null."""

import polars as pl

from workers.ehr.meds.precision import DAY, MIDNIGHT, MONTH, YEAR

_NULL = ("null", r"\n", "(null)", "<na>")
"""Words for null as databases write them, in lower case, that are nothing else in any column."""
_MISSING = (*_NULL, "na", "n/a", "nan", "nat", "none", "nil", "-", ".", "#n/a")
"""Those and what programs write for a missing number or time; as text they may mean something: NA is sodium."""

_EXACT = 2**53
"""Whole numbers below this are exact as float64."""
_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_ZONE = r"([+-])(\d\d):?(\d\d)?$"
_DATES = ("%Y-%m-%d", "%Y%m%d")
_SIGNS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "≤": "<=", "≥": ">=", "=<": "<=", "=>": ">="}
_COMPARED = r"^(?P<sign><=|>=|=<|=>|<|>|≤|≥)\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"


def said(column: pl.Series, is_text: bool = False) -> pl.Series:
    """The column with words for null as null; `is_text`: those that a text may not be meant to say."""
    if column.dtype != pl.String:
        return column
    words = column.str.strip_chars().str.to_lowercase()
    none = words.is_in(_NULL if is_text else ("", *_MISSING))
    return column.set(none.fill_null(False), None)


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


def moments(column: pl.Series) -> pl.DataFrame:
    """`time` as the clock showed it, in microseconds (what is finer is cut off); `offset` of that clock from UTC in
    minutes, null where it is not said; `precision` as `workers.ehr.meds.precision` has it. Dates begin their day.
    """
    if column.dtype == pl.String:
        return _moments_of_text(column)
    nothing = pl.Series([None] * len(column))
    time, offset, precision = nothing.cast(pl.Datetime("us")), nothing.cast(pl.Int16), nothing.cast(pl.String)
    if isinstance(column.dtype, pl.Datetime):
        has_zone = column.dtype.time_zone is not None
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if has_zone else column
        time = plain.dt.cast_time_unit("us")
        offset = pl.Series([0 if has_zone else None] * len(column), dtype=pl.Int16)
    elif column.dtype in (pl.Date, pl.Null):
        time = column.cast(pl.Datetime("us"))
        precision = pl.Series([DAY] * len(column), dtype=pl.String)
    return _with_precision(time, offset, precision)


def _with_precision(time: pl.Series, offset: pl.Series, precision: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame([time.alias("time"), offset.alias("offset"), precision.alias("precision")])
    is_midnight = pl.col("time") == pl.col("time").dt.truncate("1d")
    return frame.with_columns(
        offset=pl.when(pl.col("time").is_not_null()).then("offset"),
        precision=pl.when(pl.col("time").is_null())
        .then(None)
        .otherwise(pl.coalesce("precision", pl.when(is_midnight).then(pl.lit(MIDNIGHT)))),
    )


def _moments_of_text(column: pl.Series) -> pl.DataFrame:
    """`2020-05-03`, `20200503`, `2020-05-03 10:00:00.5`, also with T and a zone (`Z`, ` UTC`, `+02`, ` -0500`)."""
    words = column.str.strip_chars().str.replace(r"^(\S+)\s+", "${1}T")
    zoned = words.str.replace(r"(?i)\s*(z|utc|gmt)$", "+00:00")
    # A date ends in `-05` too: only behind hours and minutes is that a zone.
    has_zone = zoned.str.contains(r":\d\d(:\d\d(\.\d+)?)?\s*[+-]\d\d:?(\d\d)?$").fill_null(False)
    zone = zoned.set(~has_zone, None).str.extract_groups(_ZONE)
    plain = zoned.str.replace(r"\s*[+-]\d\d:?(\d\d)?$", "").zip_with(has_zone, words)
    time = pl.Series([None] * len(column), dtype=pl.Datetime("us"))
    for form in _DATES:
        time = time.fill_null(words.str.to_date(form, strict=False).cast(pl.Datetime("us")))
    is_date = time.is_not_null()
    for form in _TIMES:
        time = time.fill_null(plain.str.to_datetime(form, time_unit="us", strict=False))
    sign, hours, minutes = (zone.struct.field(name) for name in ("1", "2", "3"))
    ahead = hours.cast(pl.Int16, strict=False) * 60 + minutes.cast(pl.Int16, strict=False).fill_null(0)
    offset = ahead.zip_with((sign != "-").fill_null(True), -ahead)
    return _with_precision(time, offset.cast(pl.Int16), pl.Series([DAY] * len(column)).set(~is_date, None))


def date_of(year: pl.Series, month: pl.Series, day: pl.Series) -> pl.DataFrame:
    """The start of that day as `moments` has it; a missing month is January, a missing day the first. Null for none."""
    parts = [whole(part) for part in (year, month, day)]
    words = [parts[0].cast(pl.String).str.zfill(4)]
    words += [part.fill_null(1).cast(pl.String).str.zfill(2) for part in parts[1:]]
    time = (words[0] + "-" + words[1] + "-" + words[2]).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    precision = pl.DataFrame({"month": parts[1], "day": parts[2]}).select(
        pl.when(pl.col("month").is_null())
        .then(pl.lit(YEAR))
        .when(pl.col("day").is_null())
        .then(pl.lit(MONTH))
        .otherwise(pl.lit(DAY))
    )
    nothing = pl.Series([None] * len(time), dtype=pl.Int16)
    return _with_precision(time, nothing, precision.to_series())


def through(ends: pl.DataFrame) -> pl.DataFrame:
    """Ends as `moments` has them; one that is a date includes that day: its last microsecond."""
    last = pl.col("time").dt.offset_by("1d") - pl.duration(microseconds=1)
    return ends.with_columns(time=pl.when(pl.col("precision") == DAY).then(last).otherwise("time"))


def comparator(words: pl.Series, numbers: pl.Series) -> pl.Series:
    """The sign before the number that a text repeats (`<0.3`); all of the text where it has a sign and another number.

    `numbers` are float32, as they were read; null where the text has no sign.
    """
    parts = words.str.strip_chars().str.extract_groups(_COMPARED)
    sign, said = parts.struct.field("sign"), number(parts.struct.field("number"))
    plain = sign.replace_strict(_SIGNS, default=None, return_dtype=pl.String)
    return plain.zip_with((said == numbers).fill_null(False), words.set(sign.is_null(), None))
