"""What a network on events sees of time: days between events, days before the prediction, visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ehr.events.contract import STATIC
from workers.ehr.events.networks.settings import Visits

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

DAY_US = 86_400_000_000


def spread(first: Integers, lengths: Integers) -> Integers:
    """Places of the events of some records, record by record: each has `lengths` of them from `first` on."""
    ends = np.cumsum(lengths)
    return np.asarray(np.arange(lengths.sum()) + np.repeat(first - ends + lengths, lengths), np.int64)


@dataclass(frozen=True)
class Timeline:
    """Times of the events of some records, one behind the other; a record may have none."""

    lengths: Integers
    """(records,)"""
    time: Integers
    """(events,) microseconds since 1970, or `STATIC`"""
    prediction_time: Integers
    """(records,)"""

    def take(self, kept: Integers, lengths: Integers) -> Timeline:
        """Only these events."""
        return Timeline(lengths, self.time[kept], self.prediction_time)

    def recent(self, days: float) -> Flags:
        """(events,) whether it is static or so many days before the prediction time at most."""
        earliest = self.prediction_time - np.int64(days * DAY_US)
        return np.asarray((self.time == STATIC) | (self.time >= np.repeat(earliest, self.lengths)))

    def count(self, flags: Flags) -> Integers:
        """(records,) how many of its events have the flag."""
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(flags)])
        ends = np.cumsum(self.lengths)
        return np.asarray(before[ends] - before[ends - self.lengths], np.int64)

    def delta(self) -> Floats:
        """(events,) days since the event before; 0 for the first of a record with a time, and for static ones."""
        days = np.zeros(len(self.time), np.float32)
        if len(days) > 1:
            follows = (self.time[:-1] != STATIC) & ~self._begins()[1:]
            days[1:] = np.where(follows, (self.time[1:] - np.where(follows, self.time[:-1], self.time[1:])) / DAY_US, 0)
        return days

    def ago(self) -> Floats:
        """(events,) days before the prediction time."""
        return ((np.repeat(self.prediction_time, self.lengths) - self._stands_at()) / DAY_US).astype(np.float32)

    def age(self, birth: Integers) -> Floats:
        """(events,) days since birth, (records,), 0 before it; NaN where `birth` is `STATIC`, which is: not known."""
        born = np.repeat(birth, self.lengths)
        known = born != STATIC
        days = np.where(known, self._stands_at() - np.where(known, born, 0), 0) / DAY_US
        return np.where(known, np.maximum(days, 0), np.nan).astype(np.float32)

    def _stands_at(self) -> Integers:
        """(events,) the time; that of static ones is the record's first, or the prediction's where it has none."""
        static = self.time == STATIC
        time = self.time
        if static.any():
            statics = self.count(static)
            has_timed = statics < self.lengths
            first = np.cumsum(self.lengths) - self.lengths + statics
            earliest = np.where(has_timed, time[np.minimum(first, len(time) - 1)], self.prediction_time)
            time = np.where(static, np.repeat(earliest, self.lengths), time)
        return time

    def visits(self, by: Visits) -> Integers:
        """(events,) number of the visit within its record; static events are one visit together."""
        key = self.time if by == "time" else self.time // DAY_US
        begins = self._begins()
        fresh = begins.copy()
        fresh[1:] |= key[1:] != key[:-1]
        number = np.cumsum(fresh) - 1
        return np.asarray(number - np.repeat(number[begins], self.lengths[self.lengths > 0]), np.int64)

    def _begins(self) -> Flags:
        """(events,) whether a record begins there."""
        flags = np.zeros(len(self.time), np.bool_)
        ends = np.cumsum(self.lengths)
        flags[(ends - self.lengths)[self.lengths > 0]] = True
        return flags
