from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from schemas.errors import InfrastructureError
from schemas.work import ShardReport, ShardTask, WorkerPoll
from workers.pipeline.threaded import ThreadedWorker


class Echo(ThreadedWorker):
    """Commits what it is offered; shard 13 breaks its loop."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.gave_up = threading.Event()
        self._run(self._loop, give_up=self.gave_up.set)

    def _loop(self) -> None:
        while (offer := self._offers.get()) is not None:
            if offer.task.shard == 13:
                raise InfrastructureError("no memory")
            self._records_done += 10
            self._desk.report(offer, ShardReport(offer.task.shard, "committed"))

    def _wants(self, before_commit: int, in_hand: int) -> int:
        return 2 - in_hand

    def _info(self, alive: float) -> Mapping[str, Any]:
        return {"alive": alive}

    def _release(self) -> None:
        self.released.set()


def polled(worker: Echo, reports: int) -> list[ShardReport]:
    """So many reports, as the driver would gather them."""
    found: list[ShardReport] = []
    for _ in range(400):
        found += worker.poll().done
        if len(found) >= reports:
            return found
        time.sleep(0.005)
    return found


def test_what_is_offered_is_reported_once_and_counted() -> None:
    worker = Echo()
    worker.offer(ShardTask(1))
    worker.offer(ShardTask(2))
    assert [report.shard for report in polled(worker, 2)] == [1, 2]
    state = worker.poll()
    assert isinstance(state, WorkerPoll)
    assert (state.ready, state.running, state.wants, state.records_done) == (True, (), 2, 20)
    worker.close()


def test_a_loop_that_breaks_fails_what_is_in_hand_and_all_that_comes() -> None:
    worker = Echo()
    worker.offer(ShardTask(13))
    assert worker.gave_up.wait(60)
    worker.offer(ShardTask(14))
    reports = polled(worker, 2)
    assert [(report.shard, report.error, report.retryable) for report in reports] == [
        (13, "no memory", True),
        (14, "no memory", True),
    ]
    worker.close()


def test_closing_releases_and_ends_the_threads() -> None:
    worker = Echo()
    began = time.monotonic()
    worker.close()
    assert worker.released.is_set()
    assert time.monotonic() - began < 30
    assert not any(thread.is_alive() for thread in worker._threads)
