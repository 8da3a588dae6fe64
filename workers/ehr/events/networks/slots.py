"""PackedHistories of unequal length laid into rows of equal length, several behind one another, so that no step is
padded.

A recurrent network takes one step for all rows at once. With a sequence a row, as in `PackedSequence`, the rows thin
out as the shorter sequences end: the matrices get too small for the processor. Here a row (slot) that has ended its
sequence begins the next one; all rows stay at work until the last events. Order in memory is by step, then by slot.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Slots:
    """Where every event of some records lies. `widths[t]` slots, which never get more, take part in step `t`."""

    widths: Integers
    """(steps,)"""
    slot: Integers
    """(records,)"""
    start: Integers
    """(records,) the step of each record's first event"""
    lengths: Integers
    """(records,)"""

    @property
    def offsets(self) -> Integers:
        """(steps + 1,) where each step begins in memory."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.widths)])

    def order(self) -> Integers:
        """(events,) for each place in memory the event that lies there; events counted record by record."""
        step = np.arange(self.lengths.sum()) + np.repeat(
            self.start - np.cumsum(self.lengths) + self.lengths, self.lengths
        )
        order = np.empty(len(step), np.int64)
        order[self.offsets[step] + np.repeat(self.slot, self.lengths)] = np.arange(len(step))
        return order

    def ends(self, backwards: bool = False) -> Ends:
        """The records by the step at which their last event, or going backwards their first one, has been seen."""
        step = self.start if backwards else self.start + self.lengths - 1
        records = np.argsort(step, kind="stable")
        counts = np.bincount(step, minlength=len(self.widths))
        return Ends(records, self.slot[records], np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]))


@dataclass(frozen=True)
class Ends:
    """Records `records[offsets[t]:offsets[t + 1]]`, in the slots of the same places, end with step `t`."""

    records: Integers
    slots: Integers
    offsets: Integers


def one_each(lengths: Integers) -> Slots:
    """A slot a record, the longest first: the layout of `torch.nn.utils.rnn.PackedSequence`."""
    return fill_slots(lengths, len(lengths))


def fill_slots(lengths: Integers, width: int) -> Slots:
    """Records of these lengths, each at least 1, in at most `width` slots: the longest first, to the emptiest slot.

    The greedy rule of Graham (1969) for jobs on machines, at most a third above the shortest possible.
    """
    slot, start = np.empty(len(lengths), np.int64), np.empty(len(lengths), np.int64)
    width = min(width, len(lengths))
    heap = [(0, place) for place in range(width)]
    counts = lengths.tolist()
    for record in np.argsort(-lengths, kind="stable").tolist():
        filled, place = heap[0]
        slot[record], start[record] = place, filled
        heapq.heapreplace(heap, (filled + counts[record], place))
    totals = np.bincount(slot, weights=lengths, minlength=width).astype(np.int64)
    by_total = np.argsort(-totals, kind="stable")
    rank = np.empty(width, np.int64)
    rank[by_total] = np.arange(width)
    longest_first = totals[by_total]
    widths = np.searchsorted(-longest_first, -np.arange(longest_first[0]), side="left")
    return Slots(widths.astype(np.int64), rank[slot], start, lengths)
