"""The device has no memory for this batch: try a smaller one. Whatever is batched for a network is cut here."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workers import heartbeat
from workers.models.memory import memory_error

Item = TypeVar("Item")
T = TypeVar("T")


@dataclass(frozen=True)
class _Entry(Generic[Item]):
    """An item, its place among those that were given, and what it costs."""

    place: int
    item: Item
    cost: int


class MemoryLadder:
    """Items through a network, so much at a time as `budget` allows; halved for good when the device has no memory.

    The budget counts what the costs of items count: records, tokens, events, bytes of activation. `padded`: every item
    of a batch costs as much as its dearest. One ladder serves a model for all its shards, so that what did not fit once
    is not tried again.
    """

    def __init__(self, budget: int, padded: bool = False) -> None:
        self.budget = max(1, budget)
        self.padded = padded
        self.spent = 0
        """Cost of all batches that went through the network, padding included."""

    def run(
        self,
        items: Sequence[Item],
        forward: Callable[[list[Item]], T],
        cost: Callable[[Item], int] = lambda _: 1,
        *,
        at_most: int = sys.maxsize,
        divide: Callable[[Item], Sequence[Item]] = lambda _: (),
        threads: int = 1,
        last_first: bool = False,
    ) -> list[tuple[list[Item], T]]:
        """The batches with what `forward` made of each, in the order of the items.

        Batches are cut from the first item on, and where the budget is halved, what is left is cut again. In one thread
        a batch holds neighbours. `at_most` bounds this run's batches as the budget does all. `last_first` runs the last
        batch first: in ascending order of costs a lack of memory then shows before work is done. An item that is too
        much alone is replaced by what `divide` makes of it; one that falls into no two parts raises MemoryError.
        """
        run = _Run(self, forward, cost, at_most, divide, last_first)
        run.cut(run.entries(enumerate(items)))
        with ThreadPoolExecutor(threads) as pool:
            helpers = [pool.submit(copy_context().run, run.work) for _ in range(threads - 1)]
            # The calling thread works too: its processor time stands for that of all of them.
            run.work()
        for helper in helpers:
            helper.result()
        return run.in_order()

    def run_each(self, costs: Sequence[int], forward: Callable[[list[int]], Sequence[T]]) -> list[T]:
        """One value an item, in order, from `forward`, which takes the numbers of a batch: those of like cost together.

        Raises MemoryError where even one item is too much.
        """
        ascending = sorted(range(len(costs)), key=costs.__getitem__)
        done = self.run(ascending, forward, costs.__getitem__, last_first=True)
        found = {number: value for batch, values in done for number, value in zip(batch, values, strict=True)}
        return [found[number] for number in range(len(costs))]

    def cost(self, costs: Sequence[int]) -> int:
        """What a batch of items of these costs takes."""
        return max(costs) * len(costs) if self.padded else sum(costs)


@dataclass
class _Run(Generic[Item, T]):
    """The batches of one call that wait and that are done; threads share it."""

    ladder: MemoryLadder
    forward: Callable[[list[Item]], T]
    price: Callable[[Item], int]
    at_most: int
    divide: Callable[[Item], Sequence[Item]]
    last_first: bool
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[list[_Entry[Item]]] = field(default_factory=deque)
    done: list[tuple[int, list[Item], T]] = field(default_factory=list)

    def work(self) -> None:
        """Take batches until none waits. Raises MemoryError where one item is too much."""
        while batch := self._next():
            items = [entry.item for entry in batch]
            heartbeat.beat(len(items))
            try:
                with memory_error():
                    made = self.forward(items)
            except MemoryError:
                if not self._cut_smaller(batch):
                    raise
                continue
            with self.lock:
                self.ladder.spent += self._cost(batch)
                self.done.append((batch[0].place, items, made))

    def in_order(self) -> list[tuple[list[Item], T]]:
        """What is done, by the place of each batch's first item."""
        return [(items, made) for _, items, made in sorted(self.done, key=lambda done: done[0])]

    def cut(self, entries: Iterable[_Entry[Item]]) -> None:
        """Let these wait, in batches as large as the budget allows; an item that is dearer goes alone."""
        most = min(self.ladder.budget, self.at_most)
        total = dearest = 0
        for entry in sorted(entries, key=lambda entry: entry.place):
            total, dearest = total + entry.cost, max(dearest, entry.cost)
            padded = dearest * (len(self.waiting[-1]) + 1) if self.waiting else 0
            if not self.waiting or (padded if self.ladder.padded else total) > most:
                self.waiting.append([])
                total = dearest = entry.cost
            self.waiting[-1].append(entry)

    def entries(self, items: Iterable[tuple[int, Item]]) -> list[_Entry[Item]]:
        """Items with their places. Costs are 1 at least: what costs nothing would never be cut."""
        return [_Entry(place, item, max(1, self.price(item))) for place, item in items]

    def _next(self) -> list[_Entry[Item]] | None:
        with self.lock:
            if not self.waiting:
                return None
            return self.waiting.pop() if self.last_first else self.waiting.popleft()

    def _cut_smaller(self, batch: list[_Entry[Item]]) -> bool:
        """Halve the budget and cut again all that is left, this batch included. False, and nothing is left, where the
        batch cannot be smaller.
        """
        with self.lock:
            rest = [entry for waiting in self.waiting for entry in waiting]
            self.waiting.clear()
            half = max(1, self._cost(batch) // 2)
            if len(batch) == 1:
                parts = self.divide(batch[0].item)
                if len(parts) < 2:
                    return False
                batch = self.entries((batch[0].place, part) for part in parts)
            self.ladder.budget = min(self.ladder.budget, half)
            self.cut([*batch, *rest])
            return True

    def _cost(self, batch: Sequence[_Entry[Item]]) -> int:
        return self.ladder.cost([entry.cost for entry in batch])
