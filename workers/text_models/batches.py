"""Batches of windows: sorted by length, cut by a budget of tokens, smaller ones once memory ran out."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from workers import heartbeat

T = TypeVar("T")


class TokenBudget:
    """How many tokens go through the network at a time. Halved for good when the device runs out of memory.

    `padded`: every window of a batch costs as much as its longest.
    """

    def __init__(self, tokens: int, padded: bool) -> None:
        self.tokens = tokens
        self.padded = padded
        self.spent = 0
        """Tokens that went through the network, padding included."""

    def cut(self, lengths: Sequence[int], among: Sequence[int]) -> list[list[int]]:
        """Batches of the numbers `among`, shortest first; a window longer than the budget goes alone."""
        given = np.asarray(lengths)[np.asarray(among, np.intp)]
        batches: list[list[int]] = []
        current: list[int] = []
        tokens = 0
        for i in np.argsort(given, kind="stable"):
            length = int(given[i])
            cost = length * (len(current) + 1) if self.padded else tokens + length
            if current and cost > self.tokens:
                batches.append(current)
                current, tokens = [], 0
            current.append(among[int(i)])
            tokens += length
        return [*batches, current] if current else batches

    def cost(self, lengths: Sequence[int]) -> int:
        """Tokens that a batch of windows of these lengths computes."""
        return max(lengths) * len(lengths) if self.padded else sum(lengths)

    def run(self, lengths: Sequence[int], forward: Callable[[list[int]], Sequence[T]]) -> list[T]:
        """One value a window, in order, from `forward`, which takes the numbers of a batch.

        Raises MemoryError where even one window is too much.
        """
        found: dict[int, T] = {}
        waiting = self.cut(lengths, range(len(lengths)))
        while waiting:
            batch = waiting.pop()
            cost = self.cost([lengths[i] for i in batch])
            heartbeat.beat(len(batch))
            try:
                values = forward(batch)
            except MemoryError:
                if len(batch) == 1:
                    raise
                self.tokens = max(1, cost // 2)
                waiting = self.cut(lengths, [i for part in (*waiting, batch) for i in part])
                continue
            self.spent += cost
            found.update(zip(batch, values, strict=True))
        return [found[i] for i in range(len(lengths))]
