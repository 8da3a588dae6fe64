from __future__ import annotations

import threading
import time
from collections.abc import Collection

import pytest

from cluster.pool.elsewhere import SOON_S, Elsewhere
from schemas.errors import InfrastructureError


def answered(elsewhere: Elsewhere, now: float) -> Collection[int]:
    """What comes of a look, once the thread has its answer."""
    for _ in range(200):
        found = elsewhere.look(now)
        if found:
            return found
        time.sleep(0.005)
    return ()


def test_storage_is_asked_after_the_interval_and_an_answer_is_told_once() -> None:
    elsewhere = Elsewhere(lambda: [3, 4], interval_s=30)
    assert elsewhere.look(0.0) == ()
    assert elsewhere.look(29.9) == ()
    assert answered(elsewhere, 30.0) == [3, 4]
    assert elsewhere.look(31.0) == ()
    elsewhere.close()


def test_one_question_is_open_at_a_time() -> None:
    go, asked = threading.Event(), []

    def ask() -> Collection[int]:
        asked.append(1)
        go.wait(60)
        return [1]

    elsewhere = Elsewhere(ask, interval_s=1)
    for now in (0.0, 1.0, 5.0, 50.0):
        assert elsewhere.look(now) == ()
    go.set()
    assert answered(elsewhere, 51.0) == [1]
    assert asked == [1]
    elsewhere.close()


def test_what_makes_it_urgent_is_looked_at_at_once_but_not_too_often() -> None:
    elsewhere = Elsewhere(lambda: [7], interval_s=30)
    elsewhere.hurry(10.0)
    assert answered(elsewhere, 10.0) == [7]
    elsewhere.hurry(10.5)
    assert elsewhere.look(10.0 + SOON_S - 0.1) == ()
    assert answered(elsewhere, 10.0 + SOON_S) == [7]
    elsewhere.close()


def test_what_storage_raised_is_raised_where_it_is_looked_at() -> None:
    def ask() -> Collection[int]:
        raise InfrastructureError("storage is down")

    elsewhere = Elsewhere(ask, interval_s=0)
    with pytest.raises(InfrastructureError, match="storage is down"):
        answered(elsewhere, 0.0)
    elsewhere.close()


def test_a_dispatch_without_other_drivers_asks_nothing() -> None:
    elsewhere = Elsewhere(None, interval_s=0)
    assert elsewhere.look(0.0) == ()
    assert elsewhere.look(99.0) == ()
    elsewhere.close()
