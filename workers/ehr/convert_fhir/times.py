"""FHIR dates and times (R4 2.24.0.1) as microseconds since 1970 in UTC."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


def parse_time(text: str) -> int | None:
    """None for a text that is no FHIR date or time. A partial one is its first moment, one without a zone is UTC.

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
    shift = timedelta(seconds=leap)
    if zone and zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
        if offset > timedelta(hours=14) or int(zone[4:]) > 59:
            return None
        shift += offset if zone[0] == "-" else -offset
    return (moment - _EPOCH + shift) // _MICROSECOND
