"""What workers of either kind have in common: threads that pass shards on, and what the driver asks of them."""

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from schemas.work import ShardTask, WorkerPoll
from workers import native_stderr
from workers.pipeline.desk import Desk, Offer

_SHUTDOWN_TIMEOUT_S = 10.0


_left_behind: list[threading.Thread] = []


def left_behind() -> bool:
    """Whether threads of closed workers are still busy in this process, which therefore cannot end in good order."""
    return any(thread.is_alive() for thread in _left_behind)


class ThreadedWorker(ABC):
    """A worker whose threads each run one loop until it is closed. Implements `schemas.work.Worker`.

    Where a loop breaks, every shard in hand and every later one fails with the reason. While it lives nothing that
    native libraries write to stderr is seen (`workers.native_stderr`).
    """

    def __init__(self) -> None:
        self._desk = Desk()
        self._offers: queue.SimpleQueue[Offer | None] = queue.SimpleQueue()
        self._records_done = 0
        self._closed = False
        self._born = time.monotonic()
        self._threads: list[threading.Thread] = []
        native_stderr.take()
        self._has_stderr = True

    def _run(self, *loops: Callable[[], None], give_up: Callable[[], None] = lambda: None) -> None:
        """Start the threads, the last thing that a subclass does as it is made. `give_up` is called by a loop that
        breaks."""
        for loop in loops:
            thread = threading.Thread(target=self._desk.guard, args=(loop, give_up), daemon=True)
            self._threads.append(thread)
            thread.start()

    def offer(self, task: ShardTask) -> None:
        """Queue one task."""
        offer = self._desk.take(task)
        if offer is not None:
            self._offers.put(offer)

    def poll(self) -> WorkerPoll:
        """Reports since the last poll, and the state now."""
        done, running, before_commit = self._desk.drain_reports()
        return WorkerPoll(
            ready=True,
            done=done,
            running=running,
            wants=max(0, self._wants(before_commit, len(running))),
            records_done=self._records_done,
            info=self._info(time.monotonic() - self._born),
            stalled=before_commit > 0 and self._is_stalled(),
        )

    def cancel(self, shard: int) -> None:
        """Forget a shard as soon as a thread comes to it."""
        self._desk.cancel(shard)

    def close(self) -> None:
        """Stop the threads, and what they work with; unfinished shards are dropped.

        Waits a while for what is in hand: a thread that is inside a decoder or a network when the interpreter ends
        takes the process down with it.
        """
        self._closed = True
        self._offers.put(None)
        self._release()
        end = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        _left_behind.extend(thread for thread in self._threads if thread.is_alive())
        if self._has_stderr:
            self._has_stderr = False
            native_stderr.give_back()

    def _is_stalled(self) -> bool:
        """Whether what it has in hand may never end; it has something."""
        return False

    @abstractmethod
    def _wants(self, before_commit: int, in_hand: int) -> int:
        """How many more shards it takes, with so many in hand, and so many of those not yet at their commit."""

    @abstractmethod
    def _info(self, alive: float) -> Mapping[str, Any]:
        """Figures for progress and report, after so many seconds."""

    @abstractmethod
    def _release(self) -> None:
        """Let every thread that waits go, and close what they work with."""
