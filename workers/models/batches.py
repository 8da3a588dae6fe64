"""Records of one size through a network, so many at a time as memory allows. Imports torch."""

from collections.abc import Callable
from typing import TypeVar

from workers import heartbeat
from workers.models.device import memory_error

T = TypeVar("T")


class RecordBatches:
    """`size` records a batch; halved for good when the device runs out of memory."""

    def __init__(self, size: int) -> None:
        self.size = max(1, size)

    def run(self, records: int, forward: Callable[[int, int], T]) -> list[T]:
        """What `forward` makes of each batch, in order: it gets the first record and the one behind the last.

        Raises MemoryError where even one record is too much.
        """
        done: list[T] = []
        first = 0
        while first < records:
            last = min(records, first + self.size)
            heartbeat.beat(last - first)
            try:
                with memory_error():
                    done.append(forward(first, last))
            except MemoryError:
                if last - first == 1:
                    raise
                self.size = (last - first) // 2
                continue
            first = last
        return done
