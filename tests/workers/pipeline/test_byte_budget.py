"""The bound in bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from workers.pipeline.byte_budget import ByteBudget


@contextmanager
def a_waiter(budget: ByteBudget) -> Iterator[threading.Event]:
    """Waits in a thread of its own; the event is set once it has passed."""
    passed = threading.Event()

    def wait() -> None:
        budget.wait_below()
        passed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield passed
    finally:
        budget.close()
        thread.join()


def test_a_waiter_goes_on_when_enough_was_taken_off() -> None:
    budget = ByteBudget(10)
    budget.add(15)
    with a_waiter(budget) as passed:
        assert not passed.wait(0.05)
        budget.add(-6)
        assert passed.wait(2)
    assert (budget.held, budget.peak) == (9, 15)


def test_one_record_larger_than_the_bound_passes_alone() -> None:
    budget = ByteBudget(10)
    budget.wait_below()
    budget.add(1000)
    budget.add(-1000)
    budget.wait_below()


def test_what_scoring_keeps_counts_until_it_is_scored() -> None:
    budget = ByteBudget(10)
    budget.add(8)
    budget.hand_over(8, kept=6)
    budget.add(7)
    budget.hand_over(7, kept=11)
    assert (budget.held, budget.peak) == (11, 13)
    budget.hand_over(0, kept=0)
    assert budget.held == 0


def test_a_waiter_waits_while_the_device_has_something_to_take_and_passes_where_all_is_kept_for_it() -> None:
    budget = ByteBudget(10)
    budget.add(20)
    budget.add(3)
    with a_waiter(budget) as passed:
        budget.hand_over(20, kept=20)
        assert not passed.wait(0.05)
        budget.hand_over(3, kept=23)
        assert passed.wait(2)


def test_closing_lets_every_waiter_go() -> None:
    budget = ByteBudget(1)
    budget.add(5)
    budget.close()
    budget.wait_below()
