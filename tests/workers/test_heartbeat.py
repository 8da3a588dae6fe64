"""A process that computes without end is told from one that computes long, and from one that waits."""

from __future__ import annotations

import threading
import time

from workers.heartbeat import Heartbeat, beat
from workers.models.memory_ladder import MemoryLadder


def compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_computing_without_a_beat_is_a_stall() -> None:
    heart = Heartbeat()
    compute(0.2)
    assert heart.is_stalled(0.1)
    heart.beat(1)
    assert not heart.is_stalled(0.1)


def test_waiting_is_none() -> None:
    heart = Heartbeat()
    time.sleep(0.2)
    assert not heart.is_stalled(0.1)


def test_many_records_may_take_longer_than_one() -> None:
    heart = Heartbeat()
    heart.beat(64)
    compute(0.2)
    assert not heart.is_stalled(0.1)
    assert heart.is_stalled(0.02)


def test_a_beat_is_heard_by_the_worker_of_its_thread_alone() -> None:
    mine, other = Heartbeat(), Heartbeat()
    compute(0.2)
    with mine.heard():
        beat(1)
    assert not mine.is_stalled(0.1)
    assert other.is_stalled(0.1)
    # Nobody listens: nothing happens.
    beat(1)
    assert other.is_stalled(0.1)


def test_helpers_of_a_model_are_heard_too() -> None:
    both, seen = threading.Barrier(2), set[int]()
    heart = Heartbeat()

    def forward(items: list[int]) -> None:
        both.wait(60)
        seen.add(threading.get_ident())
        compute(0.2)
        beat(1)
        assert not heart.is_stalled(0.1)

    with heart.heard():
        MemoryLadder(1).run([1, 2], forward, threads=2)
    assert len(seen) == 2
