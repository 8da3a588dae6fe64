"""Where every shard of a dispatch is: waiting, suspected, put off, or in which workers' hands. Has no clock of its own.

A shard that was in the hands of a worker that died climbs: normal -> alone -> isolate -> given up after the second
death in isolation. One that goes on where it was when its worker died does not climb: it may do so a number of times.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from schemas.errors import UsageError
from schemas.work import Mode, ShardReport, ShardTask

DEATHS_IN_ISOLATION = 2

_TOLD = (
    "ended every worker that scored it, the last {deaths} in isolation ({how}); its records cannot be told apart from "
    "outside"
)

Place = Literal["waiting", "suspect", "delayed", "held"]


@dataclass
class Entry:
    """One open shard. `holders` are the workers that have it in hand, with the mode in which each got it."""

    task: ShardTask
    place: Place = "waiting"
    holders: dict[str, Mode] = field(default_factory=dict)
    held_since: float = 0.0
    deaths: int = 0
    """Those that may give it up: in isolation, or all of one that goes on where it was."""


class Ledger:
    """All shards of one dispatch. `restarts`: how often one goes on where it was; None: it begins anew, a suspect."""

    def __init__(self, tasks: Iterable[ShardTask | int], restarts: int | None = None) -> None:
        self._restarts = restarts
        self._open: dict[int, Entry] = {}
        for item in tasks:
            task = item if isinstance(item, ShardTask) else ShardTask(item)
            if task.shard in self._open:
                raise UsageError(f"shard {task.shard} was given twice to one dispatch; give each shard once")
            self._open[task.shard] = Entry(task, "waiting" if task.mode == "normal" else "suspect")
        self._waiting = deque(s for s, e in self._open.items() if e.place == "waiting")
        self._suspects = deque(s for s, e in self._open.items() if e.place == "suspect")
        self._delayed: list[tuple[float, int]] = []
        # Kept beside the entries: counting millions of shards on every turn would take longer than the turn.
        self._places = Counter[Place](entry.place for entry in self._open.values())
        self.total = len(self._open)
        self.done = 0
        self.failed: list[ShardReport] = []
        self.elsewhere: list[int] = []

    def __contains__(self, shard: int) -> bool:
        return shard in self._open

    def __len__(self) -> int:
        return len(self._open)

    def entry(self, shard: int) -> Entry:
        """What is known of an open shard."""
        return self._open[shard]

    def count(self, place: Place) -> int:
        """How many open shards are in a place."""
        return self._places[place]

    @property
    def unheld(self) -> int:
        """How many open shards are in no worker's hands."""
        return len(self._open) - self._places["held"]

    def held(self) -> Iterator[Entry]:
        """The shards in some worker's hands."""
        return (entry for entry in self._open.values() if entry.place == "held")

    def first(self, place: Literal["waiting", "suspect"]) -> ShardTask | None:
        """The next task of a queue, left in it."""
        queue = self._waiting if place == "waiting" else self._suspects
        while queue:
            entry = self._open.get(queue[0])
            if entry is not None and entry.place == place:
                return entry.task
            # A shard that moved on is not searched for in its queue, but passed over when its turn comes.
            queue.popleft()
        return None

    def wake(self, now: float) -> None:
        """Queue again what was put off until now."""
        while self._delayed and self._delayed[0][0] <= now:
            _, shard = heapq.heappop(self._delayed)
            entry = self._open.get(shard)
            if entry is not None and entry.place == "delayed":
                # Ahead of the others: it has waited its turn once.
                self._queue(entry, front=True)

    def hold(self, shard: int, worker: str, now: float) -> ShardTask:
        """Note that a worker takes a shard; its task."""
        entry = self._open[shard]
        # A copy does not make it younger: deadline and hedging count from the first worker.
        if not entry.holders:
            entry.held_since = now
        self._move(entry, "held")
        entry.holders[worker] = entry.task.mode
        return entry.task

    def settle(self, shard: int) -> Collection[str]:
        """A shard is done: who else still has it in hand."""
        self.done += 1
        return self._remove(shard).holders

    def give_up(self, report: ShardReport) -> None:
        """A shard cannot be done."""
        self._remove(report.shard)
        self.failed.append(report)

    def drop(self, shard: int) -> Collection[str]:
        """Another driver committed a shard: who has it in hand here."""
        self.elsewhere.append(shard)
        return self._remove(shard).holders

    def give_back(self, shard: int, worker: str, ready_at: float) -> None:
        """A worker lost a shard by no fault of the shard: it is put off, unless another worker has it too."""
        entry = self._open[shard]
        entry.holders.pop(worker, None)
        if not entry.holders:
            self._move(entry, "delayed")
            heapq.heappush(self._delayed, (ready_at, shard))

    def strike(self, shard: int, worker: str, how: str) -> ShardReport | None:
        """A worker died with a shard in hand. The report that gives it up, if this was once too often."""
        entry = self._open[shard]
        # As this worker had it: the task may have climbed since, by the death of another.
        mode = entry.holders.pop(worker, entry.task.mode)
        if self._restarts is not None:
            entry.deaths += 1
            if entry.deaths > self._restarts:
                return _given_up(shard, f"ended its worker {entry.deaths} times ({how}), which limits.restarts bounds")
        elif mode == "isolate":
            entry.deaths += 1
            if entry.deaths >= DEATHS_IN_ISOLATION:
                return _given_up(shard, _TOLD.format(deaths=DEATHS_IN_ISOLATION, how=how))
        elif entry.task.mode != "isolate":
            entry.task = replace(entry.task, mode="isolate" if mode == "alone" else "alone")
        # Else another worker still has it, and may well finish it.
        if not entry.holders:
            self._queue(entry, front=False)
        return None

    def isolate(self, shard: int, worker: str) -> None:
        """A record of this shard may never end: it is next scored in processes that can be killed."""
        entry = self._open[shard]
        entry.holders.pop(worker, None)
        entry.task = replace(entry.task, mode="isolate")
        if not entry.holders:
            self._queue(entry, front=False)

    def shuffle(self) -> None:
        """Another driver works on the same shards: leave its order, so as not to do each shard twice."""
        waiting = list(self._waiting)
        random.shuffle(waiting)
        self._waiting = deque(waiting)

    def _move(self, entry: Entry, place: Place) -> None:
        self._places[entry.place] -= 1
        self._places[place] += 1
        entry.place = place

    def _remove(self, shard: int) -> Entry:
        entry = self._open.pop(shard)
        self._places[entry.place] -= 1
        return entry

    def _queue(self, entry: Entry, *, front: bool) -> None:
        self._move(entry, "waiting" if entry.task.mode == "normal" else "suspect")
        queue = self._waiting if entry.place == "waiting" else self._suspects
        (queue.appendleft if front else queue.append)(entry.task.shard)


def _given_up(shard: int, what: str) -> ShardReport:
    error = f"shard {shard} {what}: see the workers' logs, or give each worker more memory"
    return ShardReport(shard, "failed", error=error, error_type="WardroundError")
