"""A process that computes without end is told from one that computes long, and from one that waits."""

from __future__ import annotations

import time

from workers import heartbeat


def compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_computing_without_a_beat_is_a_stall() -> None:
    heartbeat.beat(1)
    compute(0.2)
    assert heartbeat.is_stalled(0.1)
    heartbeat.beat(1)
    assert not heartbeat.is_stalled(0.1)


def test_waiting_is_none() -> None:
    heartbeat.beat(1)
    time.sleep(0.2)
    assert not heartbeat.is_stalled(0.1)


def test_many_records_may_take_longer_than_one() -> None:
    heartbeat.beat(64)
    compute(0.2)
    assert not heartbeat.is_stalled(0.1)
    assert heartbeat.is_stalled(0.02)
