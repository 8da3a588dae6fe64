"""The distinct times of many subjects, with what happened at each: found by bisection, counted by running sums."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.ehr.aces.bounds import ANY_EVENT, RECORD_END, RECORD_START

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Timeline:
    """Times in ascending order within each subject, each once. All arrays are (times,) unless said.

    `counts` are numbers of events by predicate. A *segment* is a subject's run of times, as the first one and the one
    after the last.
    """

    def __init__(self, subjects: Ints, times: Ints, counts: Mapping[str, Ints]) -> None:
        self.subjects = subjects
        self.times = times
        changes = np.flatnonzero(np.diff(subjects)) + 1
        edges = np.concatenate([[0], changes, [len(subjects)]]) if len(subjects) else np.zeros(1, np.int64)
        lengths = np.diff(edges)
        self.first: Ints = np.repeat(edges[:-1], lengths)
        self.last: Ints = np.repeat(edges[1:], lengths)
        self._counts = {**counts, **_special(len(times), edges)}
        self._sums: dict[str, Ints] = {}

    def holds(self, name: str) -> Bools:
        """Where a predicate is satisfied."""
        return self._counts[name] > 0

    def position(self, first: Ints, last: Ints, times: Ints, side: Literal["left", "right"]) -> Ints:
        """For each segment where its time would go in, before (left) or after (right) an equal one."""
        low, high = first.copy(), last.copy()
        while (searching := low < high).any():
            middle = (low + high) // 2
            # Those that are found look at position 0, since `middle` may lie behind the last time.
            there = self.times[np.where(searching, middle, 0)]
            before = searching & ((there < times) if side == "left" else (there <= times))
            low = np.where(before, middle + 1, low)
            high = np.where(searching & ~before, middle, high)
        return low

    def count(self, name: str, start: Ints, stop: Ints) -> Ints:
        """Number of events of a predicate at the positions from `start` up to, without, `stop`."""
        if name not in self._sums:
            self._sums[name] = np.concatenate([[0], np.cumsum(self._counts[name])])
        sums = self._sums[name]
        return np.where(stop > start, sums[stop] - sums[np.minimum(start, stop)], 0)

    def next(self, name: str, start: Ints) -> Ints:
        """The first position from `start` on that satisfies a predicate; it may lie beyond the segment."""
        where = np.flatnonzero(self.holds(name))
        found = np.searchsorted(where, start)
        # Where there is none, the position behind the last: no segment reaches it.
        return np.append(where, len(self.times))[found]

    def previous(self, name: str, stop: Ints) -> Ints:
        """The last position before `stop` that satisfies a predicate; it may lie before the segment, or be -1."""
        where = np.flatnonzero(self.holds(name))
        return np.concatenate([[-1], where])[np.searchsorted(where, stop)]


def _special(times: int, edges: Ints) -> dict[str, Ints]:
    """What holds at every time, at a subject's first and at its last."""
    starts, ends = np.zeros(times, np.int64), np.zeros(times, np.int64)
    starts[edges[:-1]] = 1
    ends[edges[1:] - 1] = 1
    return {ANY_EVENT: np.ones(times, np.int64), RECORD_START: starts, RECORD_END: ends}
