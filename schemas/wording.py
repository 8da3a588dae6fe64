"""Words of messages that depend on a number, or on what somebody called things."""

from collections.abc import Iterable
from itertools import islice

_MOST, _LONGEST = 20, 40


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 record`, `2,048 records`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def in_short(names: Iterable[str]) -> str:
    """Names of columns: the first twenty, each cut, since a table without a header has a record there."""
    return ", ".join(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..." for name in islice(names, _MOST))
