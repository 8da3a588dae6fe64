"""Times of notes as microseconds since 1970: UTC where a zone is given, else as they stand."""

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_SHORTEST = len("20240131")
_WEEK_ALONE = re.compile(r"\d{4}-?W\d\d(?!-?\d)")


def parse_time(text: str, layout: str | None = None) -> int:
    """Microseconds since 1970 of ISO 8601 text, a whole date at least; or of text as `layout` says (strptime).

    Raises ValueError for anything else: a year alone is no time, and nothing is made up.
    """
    stripped = text.strip()
    if layout is not None:
        return _microseconds(datetime.strptime(stripped, layout))
    # Python takes a week for its Monday.
    if len(stripped) < _SHORTEST or _WEEK_ALONE.match(stripped):
        raise ValueError("not a whole date")
    return _microseconds(datetime.fromisoformat(stripped))


def column_times(column: pa.Array) -> pa.Array | None:
    """An Arrow column of dates or timestamps as int64; None for a column of another type.

    Parts of a microsecond are cut off; what lies outside the range of microseconds becomes null.
    """
    kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("s")), pa.timestamp("s")
    if not pa.types.is_timestamp(kind):
        return None
    # Arrow keeps zoned timestamps in UTC already.
    if kind.unit == "ns":
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    counts = column.cast(pa.int64())
    factor = {"us": 1, "ms": 1_000, "s": 1_000_000}[kind.unit]
    most = (2**63 - 1) // factor
    inside = pc.and_(pc.less_equal(counts, most), pc.greater_equal(counts, -most))
    return pc.multiply(pc.if_else(inside, counts, pa.scalar(None, pa.int64())), factor)


def _microseconds(value: datetime) -> int:
    if value.tzinfo is not None:
        try:
            value = value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError("outside the years 1 to 9999") from None
    return (value - _EPOCH) // _MICROSECOND
