"""The cut between what is known at a prediction time and what is not: the one place where it is made.

A record at prediction time `p` has these rows of its subject, which are sorted by time:

| row | in the history |
|---|---|
| without a time (static) | always |
| time <= p | yes, but for the next line |
| time is midnight of p's own day | only with `exact` |
| time > p | never |

A source that knows only the day of an event writes midnight. Such an event on the day of the prediction may have
happened after it, so it is left out unless the spec says that times are exact. Where p itself is midnight the same
holds: of that day nothing is known yet. To predict at the end of a day, with all that bears its date, put the
prediction time at the next midnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import WardroundError
from workers.ehr.events.contract import STATIC

Integers = NDArray[np.int64]

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class AsOf:
    """For each record the rows `start:day` and `after:end` of the events that were cut; `start:timed` are static."""

    start: Integers
    timed: Integers
    day: Integers
    after: Integers
    end: Integers

    @property
    def n_timed(self) -> Integers:
        """Events with a time, of each history."""
        return self.day - self.timed + self.end - self.after

    @property
    def n_events(self) -> Integers:
        """Rows of each history, static ones too."""
        return self.day - self.start + self.end - self.after

    def last_time(self, time: Integers) -> Integers:
        """Time of each history's last event, STATIC where none has a time."""
        last = np.where(self.end > self.after, self.end, self.day) - 1
        return self._time_of(last, time)

    def first_time(self, time: Integers) -> Integers:
        """Time of each history's first event that has one, STATIC where none has."""
        first = np.where(self.day > self.timed, self.timed, self.after)
        return self._time_of(first, time)

    def _time_of(self, row: Integers, time: Integers) -> Integers:
        has_any = self.n_timed > 0
        found = np.full(len(row), STATIC)
        found[has_any] = time[row[has_any]]
        return found

    def take(self, chosen: NDArray[np.intp] | slice) -> AsOf:
        """Only these records."""
        return AsOf(*(part[chosen] for part in (self.start, self.timed, self.day, self.after, self.end)))

    def rows(self, time: Integers, prediction_time: Integers) -> tuple[Integers, Integers]:
        """Indices of all rows, history by history, and (records + 1,) offsets into them.

        Raises WardroundError if one is after its prediction time, which can only be where rows were not sorted.
        """
        # Two runs of rows for each record, before its midnight and after it, are laid end to end.
        starts = np.stack([self.start, self.after], axis=1).ravel()
        lengths = np.stack([self.day - self.start, self.end - self.after], axis=1).ravel()
        ends = np.cumsum(lengths)
        rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
        if (time[rows] > np.repeat(prediction_time, self.n_events)).any():
            raise WardroundError("an event after the prediction time got into a history: nothing is written")
        return rows, np.concatenate([np.zeros(1, np.int64), ends[1::2]])


def as_of(time: Integers, start: Integers, end: Integers, prediction_time: Integers, exact: bool) -> AsOf:
    """Cut the rows `start[i]:end[i]` of `time`, sorted within each record, at `prediction_time[i]`.

    Times are microseconds since 1970, STATIC for rows without one.
    """
    # Rounds down, also before 1970.
    midnight = prediction_time // DAY * DAY
    timed = _first_at_least(time, start, end, np.full(len(start), STATIC + 1))
    stop = _first_at_least(time, timed, end, prediction_time + 1)
    if exact:
        return AsOf(start, timed, stop, stop, stop)
    day = _first_at_least(time, timed, stop, midnight)
    after = _first_at_least(time, day, stop, midnight + 1)
    return AsOf(start, timed, day, after, stop)


def _first_at_least(time: Integers, low: Integers, high: Integers, bound: Integers) -> Integers:
    """For each record the first of its rows `low:high` whose time is `bound` or later; `high` if there is none."""
    low, high = low.copy(), high.copy()
    # np.searchsorted knows no ranges: all records are bisected at once, each between its own bounds.
    while (looking := low < high).any():
        middle = (low + high) // 2
        # A record that is done looks at row 0, since its `middle` may lie behind the last row.
        earlier = looking & (time[np.where(looking, middle, 0)] < bound)
        high = np.where(looking & ~earlier, middle, high)
        low = np.where(earlier, middle + 1, low)
    return low
