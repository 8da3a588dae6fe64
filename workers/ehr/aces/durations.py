"""Lengths of time as ACES files write them: `24h`, `30 days`, `1 day, 14:20:16`.

The language is that of pytimeparse, which es-aces uses; months and years are not in it, since they have no one length.
"""

import re
from decimal import Decimal, InvalidOperation

SECOND = 1_000_000
"""A second in microseconds, the unit of MEDS times."""

_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_LONGEST = 10**18
"""Microseconds; some 31,700 years. Longer ones would overflow when they are added to a time."""

_WEEKS = r"(?:(?P<weeks>[\d.]+)\s*(?:w|wks?|weeks?)\s*(?:[,/]\s*)?)?\s*"
_DAYS = r"(?:(?P<days>[\d.]+)\s*(?:d|dys?|days?)\s*(?:[,/]\s*)?)?\s*"
_HOURS = r"(?:(?P<hours>[\d.]+)\s*(?:h|hrs?|hours?)\s*(?:[,/]\s*)?)?\s*"
_MINUTES = r"(?:(?P<minutes>[\d.]+)\s*(?:m|mins?|minutes?)\s*(?:[,/]\s*)?)?\s*"
_SECONDS = r"(?:(?P<seconds>[\d.]+)\s*(?:s|secs?|seconds?))?"
_CLOCK = r"(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d+)?)"
_FORMATS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _WEEKS + _DAYS + _HOURS + _MINUTES + _SECONDS,
        r"(?P<minutes>\d{1,2}):(?P<seconds>\d{2}(?:\.\d+)?)",
        _WEEKS + _DAYS + r"(?P<hours>\d+):" + _CLOCK,
        r"(?P<days>\d+):(?P<hours>\d{2}):" + _CLOCK,
        r":(?P<seconds>\d{2}(?:\.\d+)?)",
    )
)


def microseconds(text: str) -> int:
    """The length of time that `text` says, never negative. Raises ValueError if it says none.

    What hours and larger units add up to is cut to whole seconds, as in es-aces.
    """
    stripped = text.strip()
    for pattern in _FORMATS:
        found = pattern.fullmatch(stripped) if stripped else None
        if found is None:
            continue
        try:
            return _add_up({unit: Decimal(amount) for unit, amount in found.groupdict().items() if amount})
        except InvalidOperation:
            continue
    raise ValueError(f"{text!r} is no length of time; write it like 24h, 30 days or 1 day, 14:20:16")


def _add_up(amounts: dict[str, Decimal]) -> int:
    seconds = amounts.pop("seconds", Decimal(0))
    whole = int(sum((_UNITS[unit] * amount for unit, amount in amounts.items()), Decimal(0)))
    total = whole * SECOND + round(seconds * SECOND)
    if total > _LONGEST:
        raise ValueError("it is longer than 31,700 years")
    return total
