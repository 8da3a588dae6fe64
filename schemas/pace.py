"""How fast a run got on: records by the time at which their shards were committed."""

import math
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

MOST_SPANS = 48
"""Spans of time into which a run is cut, at most."""


class Pace(BaseModel):
    """`records[i]` were committed in the i-th span of `seconds` after `start`."""

    model_config = ConfigDict(frozen=True)

    start: str
    seconds: int
    records: tuple[int, ...]


def pace_of(commits: Iterable[tuple[datetime, int]]) -> Pace | None:
    """From the time and the records of each commit; None of no commit."""
    found = sorted(commits)
    if not found:
        return None
    start = found[0][0].replace(microsecond=0)
    seconds = max(1, math.ceil(((found[-1][0] - start).total_seconds() + 1) / MOST_SPANS))
    places = [int((time - start).total_seconds() // seconds) for time, _ in found]
    records = [0] * (places[-1] + 1)
    for place, (_, count) in zip(places, found, strict=True):
        records[place] += count
    return Pace(start=start.isoformat(), seconds=seconds, records=tuple(records))
