"""FHIR dates and times (R4 2.24.0.1): what the source's clock showed, how far it was ahead of UTC, how precisely."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from workers.ehr.meds.precision import DAY, MIDNIGHT, MONTH, YEAR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


class Moment(NamedTuple):
    """`wall` is microseconds since 1970 as the clock showed them, a partial date its first; `offset` minutes ahead of
    UTC, None where none is said; `precision` one of `workers.ehr.meds.precision`, None for a moment."""

    wall: int
    offset: int | None
    precision: str | None


@lru_cache(maxsize=10_000)
def parse_time(text: str) -> Moment | None:
    """None for a text that is no FHIR date or time.

    What is finer than microseconds is cut off; second 60, which FHIR allows, is the first of the next minute.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    leap = second == "60"
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            UTC,
        )
    except ValueError:
        return None
    offset = _offset(zone)
    if zone and offset is None:
        return None
    wall = (moment - _EPOCH + timedelta(seconds=leap)) // _MICROSECOND
    return Moment(wall, offset, _precision(month, day, hour, wall))


def _offset(zone: str | None) -> int | None:
    """Minutes; None where there is none, or one that no clock has."""
    if not zone or zone == "Z":
        return None if not zone else 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:])
    if minutes > 14 * 60 or int(zone[4:]) > 59:
        return None
    return -minutes if zone[0] == "-" else minutes


def _precision(month: str | None, day: str | None, hour: str | None, wall: int) -> str | None:
    if hour is None:
        return DAY if day else MONTH if month else YEAR
    return MIDNIGHT if wall % _DAY == 0 else None
