"""The cut between what is known at a prediction time and what is not: the one place where it is made.

A record at prediction time `p` has these rows of its subject, which are sorted by time:

| row | in the history |
|---|---|
| without a time (static) | always |
| time > p | never |
| time <= p, and by p it has certainly happened | yes |
| time <= p, and it may still be to come | never |

An event whose source knew no more than its day (or month, or year) stands at the start of that day and may have
happened until its end. When that is, the data say (`known_at`, `workers.ehr.meds.precision`); where they do not, an
event at midnight may stand for its whole day (`known_from`). So an event of the day of the prediction is left out, and
a prediction at midnight knows nothing of its own day. To predict at the end of a day, with all that bears its date, put
the prediction time at the next midnight.
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


_LONG = 2 * DAY


@dataclass(frozen=True)
class AsOf:
    """For each record the rows `start:stop` of the events that were cut, but for hidden ones; `start:timed` are static.

    `hidden_row` are rows that may still be to come, ascending in each record, and `hidden_of` whose record each is of,
    ascending.
    """

    start: Integers
    timed: Integers
    stop: Integers
    hidden_of: Integers
    hidden_row: Integers

    @property
    def _n_hidden(self) -> Integers:
        return np.bincount(self.hidden_of, minlength=len(self.start))

    @property
    def n_timed(self) -> Integers:
        """Events with a time, of each history."""
        return self.stop - self.timed - self._n_hidden

    @property
    def n_events(self) -> Integers:
        """Rows of each history, static ones too."""
        return self.stop - self.start - self._n_hidden

    def last_time(self, time: Integers) -> Integers:
        """Time of each history's last event, STATIC where none has a time."""
        hidden = self._n_hidden
        from_end = np.cumsum(hidden)[self.hidden_of] - 1 - np.arange(len(self.hidden_of))
        at_end = self.stop[self.hidden_of] - 1 - self.hidden_row == from_end
        return self._time_of(self.stop - 1 - np.bincount(self.hidden_of[at_end], minlength=len(hidden)), time)

    def first_time(self, time: Integers) -> Integers:
        """Time of each history's first event that has one, STATIC where none has."""
        hidden = self._n_hidden
        from_start = np.arange(len(self.hidden_of)) - (np.cumsum(hidden) - hidden)[self.hidden_of]
        at_start = self.hidden_row - self.timed[self.hidden_of] == from_start
        return self._time_of(self.timed + np.bincount(self.hidden_of[at_start], minlength=len(hidden)), time)

    def _time_of(self, row: Integers, time: Integers) -> Integers:
        has_any = self.n_timed > 0
        found = np.full(len(row), STATIC)
        found[has_any] = time[row[has_any]]
        return found

    def take(self, chosen: NDArray[np.intp] | slice) -> AsOf:
        """Only these records, in ascending order."""
        numbers = np.arange(len(self.start))[chosen]
        renumbered = np.full(len(self.start), -1)
        renumbered[numbers] = np.arange(len(numbers))
        of = renumbered[self.hidden_of]
        kept = of >= 0
        return AsOf(self.start[numbers], self.timed[numbers], self.stop[numbers], of[kept], self.hidden_row[kept])

    def rows(self, time: Integers, prediction_time: Integers) -> tuple[Integers, Integers]:
        """Indices of all rows, history by history, and (records + 1,) offsets into them.

        Raises WardroundError if one is after its prediction time, which can only be where rows were not sorted.
        """
        lengths = self.stop - self.start
        ends = np.cumsum(lengths)
        rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.start - ends + lengths, lengths)
        kept = np.ones(len(rows), bool)
        kept[self.hidden_row + (ends - lengths - self.start)[self.hidden_of]] = False
        rows = rows[kept]
        if (time[rows] > np.repeat(prediction_time, self.n_events)).any():
            raise WardroundError("an event after the prediction time got into a history: nothing is written")
        return rows, np.concatenate([np.zeros(1, np.int64), np.cumsum(self.n_events)])


def known_from(time: Integers, exact: bool) -> Integers:
    """By when each row has certainly happened, where the data do not say: midnight may stand for its whole day."""
    if exact:
        return time
    return np.where((time % DAY == 0) & (time != STATIC), time + DAY, time)


def as_of(time: Integers, known: Integers, start: Integers, end: Integers, prediction_time: Integers) -> AsOf:
    """Cut the rows `start[i]:end[i]` of `time`, sorted within each record, at `prediction_time[i]`.

    Times are microseconds since 1970, STATIC for rows without one; each row has certainly happened by `known`, which
    is not before `time`.
    """
    timed = _first_at_least(time, start, end, np.full(len(start), STATIC + 1))
    stop = _first_at_least(time, timed, end, prediction_time + 1)
    late = known - time
    # A whole year is rare, and would have each record look a year back for days.
    found = [
        _still_to_come(np.flatnonzero(chosen), time, known, timed, stop, prediction_time)
        for chosen in ((late > 0) & (late <= _LONG), late > _LONG)
    ]
    of, row = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((row, of))
    return AsOf(start, timed, stop, of[order], row[order])


def _still_to_come(
    rows: Integers, time: Integers, known: Integers, low: Integers, high: Integers, prediction_time: Integers
) -> tuple[Integers, Integers]:
    """Record and row of those of `rows` in `low:high` of a record that may be later than its prediction."""
    longest = (known[rows] - time[rows]).max(initial=0)
    near = _first_at_least(time, low, high, prediction_time - longest + 1)
    first, last = np.searchsorted(rows, near), np.searchsorted(rows, high)
    counts = np.maximum(last - first, 0)
    ends = np.cumsum(counts)
    of = np.repeat(np.arange(len(low)), counts)
    looked_at = rows[np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + counts, counts)]
    hidden = known[looked_at] > prediction_time[of]
    return of[hidden], looked_at[hidden]


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
