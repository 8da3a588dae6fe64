"""How often a service is asked that does not answer: the circuit breaker, told by counting questions."""

from __future__ import annotations

import time

import pytest

from cluster.storage import TransientError
from cluster.storage.dicomweb.faults import Busy
from cluster.storage.dicomweb.gate import Gate
from cluster.storage.retry import Backoff


class Asked:
    """Counts questions, and answers those from number `good` on."""

    def __init__(self, good: int = 10**9, error: TransientError | None = None) -> None:
        self.count, self.good = 0, good
        self.error = error or TransientError("down")

    def __call__(self) -> str:
        self.count += 1
        if self.count < self.good:
            raise self.error
        return "answer"


def test_one_question_is_tried_so_many_times() -> None:
    asked = Asked(good=4)
    assert Gate(1, Backoff(4, 0.001, 1)).again(asked) == "answer"
    with pytest.raises(TransientError, match=r"down \(tried 4 times\)"):
        Gate(1, Backoff(4, 0.001, 1)).again(Asked())


def test_a_service_that_is_down_gets_one_question_from_each_until_it_answers() -> None:
    gate = Gate(1, Backoff(4, 0.005, 1))
    with pytest.raises(TransientError):
        gate.again(Asked())
    time.sleep(0.05)
    for _ in range(3):
        asked = Asked()
        with pytest.raises(TransientError, match="tried 1 times"):
            gate.again(asked)
        assert asked.count == 1
    assert gate.again(Asked(good=1)) == "answer"
    asked = Asked(good=4)
    assert gate.again(asked) == "answer"
    assert asked.count == 4


def test_a_hiccup_opens_no_breaker_however_many_see_it() -> None:
    gate = Gate(1, Backoff(4, 30.0, 0.01))
    for _ in range(3):
        asked = Asked(good=3)
        assert gate.again(asked) == "answer"


def test_a_wish_to_wait_holds_for_everybody() -> None:
    gate = Gate(1, Backoff(2, 0.001, 1))
    with pytest.raises(TransientError):
        gate.again(Asked(error=Busy("busy", 0.2)))
    began = time.monotonic()
    assert gate.again(Asked(good=1)) == "answer"
    assert time.monotonic() - began > 0.1


def test_a_wish_to_be_left_alone_for_long_is_an_outage_at_once() -> None:
    gate, asked = Gate(1, Backoff(8, 0.001, 1)), Asked(error=Busy("busy", 3600))
    with pytest.raises(TransientError, match="tried 1 times"):
        gate.again(asked)
    assert asked.count == 1
