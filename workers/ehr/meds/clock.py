"""From what a source's clock says to UTC: the one place where time zones are resolved, a subject at a time.

| an event has | it is taken as |
|---|---|
| a time with an offset | that moment |
| a time without one | wall time of `timezone`; where that comes twice in a night, the later of the two |
| a date | the day of `timezone`, 23 or 25 hours long where the clock is changed |
| midnight of its own clock, or of `timezone` | that moment, and known when that day ends |

Without `timezone`, what has no offset takes that of the subject's nearest time that has one, if any of these offsets is
not zero. Where all are zero the source may have changed its times to UTC, so a day counts as known when it has ended
everywhere on Earth (12 hours later). Where no time has an offset, all are of one clock, which is taken as UTC.
"""

from typing import Literal

import polars as pl

from workers.ehr.meds.precision import DAY, KNOWN_AT, MIDNIGHT, MONTH, TIME_PRECISION, YEAR

OFFSET, NEAREST, ANYWHERE, ONE_CLOCK, ZONE = (
    "said with its offset",
    "the offset of the subject's nearest time",
    "no zone: a day counts as known when it has ended everywhere",
    "no zone in any time of the subject: taken as UTC",
    "input.timezone",
)
"""Where the zone of an event is from."""

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_LENGTHS = {DAY: "1d", MIDNIGHT: "1d", MONTH: "1mo", YEAR: "1y"}
_UTC = pl.Datetime("us")


def to_utc(events: pl.DataFrame, timezone: str | None) -> pl.DataFrame:
    """Events with `time` and `end` in UTC, `time_precision`, `known_at`, and `clock`: where its zone is from.

    Has `subject`, `time` and `end` as a clock showed them, `offset` and `end_offset` (minutes, null where none was
    said) and `precision`. The order of rows is kept.
    """
    numbered = events.with_row_index("at")
    zoned = _in_zone(numbered, timezone) if timezone else _by_offsets(numbered)
    return zoned.sort("at").drop("at", "offset", "end_offset", "precision")


def _in_zone(events: pl.DataFrame, zone: str) -> pl.DataFrame:
    offset = pl.col("offset")
    said = events.with_columns(moment=_at_offset("time", "offset"), next=_day_end("time"))
    local = said.with_columns(
        local=pl.when(offset.is_null()).then(pl.col("time")).otherwise(_wall(pl.col("moment"), zone))
    )
    is_midnight = (pl.col("local") == pl.col("local").dt.truncate("1d")) & pl.col("precision").is_null()
    flagged = local.with_columns(precision=pl.when(is_midnight).then(pl.lit(MIDNIGHT)).otherwise("precision"))
    is_moment = pl.col("precision").is_null() | (pl.col("precision") == MIDNIGHT)
    # A midnight at offset zero may stand for the day of that date in the zone: the later of both ends counts.
    ends = flagged.with_columns(
        of_zone=_resolve_expr(pl.col("local").dt.truncate("1d").dt.offset_by("1d"), zone, "earliest"),
        of_date=_resolve_expr(pl.col("next"), zone, "earliest"),
        late=_resolve_expr(pl.col("time"), zone, "latest"),
        early=_resolve_expr(pl.col("time"), zone, "earliest"),
        until=_resolve_expr(pl.col("end"), zone, "latest"),
    )
    known = (
        pl.when(pl.col("precision").is_null())
        .then(None)
        .when(offset.is_null())
        .then(pl.col("of_date"))
        .when(pl.col("precision") != MIDNIGHT)
        .then(_shifted(pl.col("next"), offset))
        .when(offset == 0)
        .then(pl.max_horizontal("of_zone", "of_date"))
        .otherwise(pl.max_horizontal("of_zone", _shifted(pl.col("next"), offset)))
    )
    return ends.select(
        pl.exclude("time", "end", "moment", "next", "local", "of_zone", "of_date", "late", "early", "until"),
        time=pl.when(offset.is_not_null()).then("moment").otherwise(pl.when(is_moment).then("late").otherwise("early")),
        end=pl.when(pl.col("end_offset").is_null()).then("until").otherwise(_at_offset("end", "end_offset")),
        **{TIME_PRECISION: pl.col("precision"), KNOWN_AT: known},
        clock=pl.when(pl.col("time").is_null())
        .then(None)
        .when(offset.is_null())
        .then(pl.lit(ZONE))
        .otherwise(pl.lit(OFFSET)),
    )


def _by_offsets(events: pl.DataFrame) -> pl.DataFrame:
    nearest = _nearest_offsets(events)
    kinds = events.group_by("subject").agg(
        some=pl.col("offset").is_not_null().any(), local=(pl.col("offset").fill_null(0) != 0).any()
    )
    joined = events.join(nearest, "at", "left").join(kinds, "subject", "left")
    none_said = pl.col("offset").is_null()
    clock = (
        pl.when(pl.col("time").is_null())
        .then(None)
        .when(~none_said)
        .then(pl.lit(OFFSET))
        .when("local")
        .then(pl.lit(NEAREST))
        .when("some")
        .then(pl.lit(ANYWHERE))
        .otherwise(pl.lit(ONE_CLOCK))
    )
    used = pl.coalesce("offset", pl.when("local").then("near"), pl.lit(0))
    worst = pl.when(pl.col("clock") == ANYWHERE).then(12 * _HOUR).otherwise(0)
    timed = joined.with_columns(clock=clock, used=used, next=_day_end("time"))
    known = (
        pl.when(pl.col("precision").is_not_null())
        .then(_shifted(pl.col("next"), pl.col("used")).cast(pl.Int64) + worst)
        .cast(_UTC)
    )
    return timed.select(
        pl.exclude("time", "end", "near", "some", "local", "used", "next"),
        time=_at_offset("time", "used"),
        end=_shifted(pl.col("end"), pl.coalesce("end_offset", "used")),
        **{TIME_PRECISION: pl.col("precision"), KNOWN_AT: known},
    )


def _nearest_offsets(events: pl.DataFrame) -> pl.DataFrame:
    """`at` and `near`, the offset of the nearest time of the same subject, for the events that have none."""
    timed = events.filter(pl.col("time").is_not_null())
    lacking = timed.filter(pl.col("offset").is_null()).select("at", "subject", "time").sort("time")
    having = timed.filter(pl.col("offset").is_not_null()).select("subject", "time", near="offset").sort("time")
    if lacking.is_empty() or having.is_empty():
        return pl.DataFrame(schema={"at": pl.UInt32, "near": pl.Int16})
    found = lacking.join_asof(having, on="time", by="subject", strategy="nearest", check_sortedness=False)
    return found.select("at", "near")


def _day_end(name: str) -> pl.Expr:
    """Where the day, month or year of a precision ends on the clock that said it; as the time else."""
    column, precision = pl.col(name), pl.col("precision")
    ends = pl.lit(None, _UTC)
    for kind, length in _LENGTHS.items():
        ends = pl.when(precision == kind).then(column.dt.offset_by(length)).otherwise(ends)
    return ends


def _at_offset(name: str, offset: str) -> pl.Expr:
    return _shifted(pl.col(name), pl.col(offset))


def _shifted(wall: pl.Expr, offset: pl.Expr) -> pl.Expr:
    return (wall.cast(pl.Int64) - offset.cast(pl.Int64) * _MINUTE).cast(_UTC)


def _wall(moment: pl.Expr, zone: str) -> pl.Expr:
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _resolve_expr(wall: pl.Expr, zone: str, twice: Literal["earliest", "latest"]) -> pl.Expr:
    """The moment at which the clock of a zone shows this."""
    found = _utc(wall.dt.replace_time_zone(zone, ambiguous=twice, non_existent="null"))
    # Skipped when clocks go forward: as far after a time three hours before as the clock would have shown.
    before = _utc(wall.dt.offset_by("-3h").dt.replace_time_zone(zone, ambiguous=twice, non_existent="null"))
    return found.fill_null(before.dt.offset_by("3h"))


def _utc(zoned: pl.Expr) -> pl.Expr:
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def is_zone(name: str) -> bool:
    """Whether the IANA database has it."""
    try:
        pl.Series([0]).cast(_UTC).dt.replace_time_zone(name)
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError):
        return False
    return bool(name)
