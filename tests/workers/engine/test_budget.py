"""The bound in bytes."""

from __future__ import annotations

import threading

from workers.engine.budget import ByteBudget


def test_a_waiter_goes_on_when_enough_was_taken_off() -> None:
    budget = ByteBudget(10)
    budget.add(15)
    passed = threading.Event()

    def wait() -> None:
        budget.wait_below()
        passed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not passed.wait(0.05)
    budget.add(-6)
    assert passed.wait(2)
    thread.join()
    assert (budget.held, budget.peak) == (9, 15)


def test_one_record_larger_than_the_bound_passes_alone() -> None:
    budget = ByteBudget(10)
    budget.wait_below()
    budget.add(1000)
    budget.add(-1000)
    budget.wait_below()


def test_closing_lets_every_waiter_go() -> None:
    budget = ByteBudget(1)
    budget.add(5)
    budget.close()
    budget.wait_below()
