"""So many chunks are in flight, in order and bounded in bytes; what nobody takes is off the budget."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead


class Work:
    """Makes ten bytes of each chunk, charged when they are there."""

    def __init__(self, budget: ByteBudget) -> None:
        self.budget = budget
        self.started: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.pool = ThreadPoolExecutor(2)

    def submit(self, chunk: int) -> Future[bytes]:
        self.started.append(chunk)
        return self.pool.submit(self._make, chunk)

    def _make(self, chunk: int) -> bytes:
        if chunk > 1:
            self.gate.wait(60)
        if chunk == 13:
            raise ValueError("no such chunk")
        self.budget.add(10)
        return bytes([chunk]) * 10


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work(ByteBudget(1000))
    yield made
    made.gate.set()
    made.pool.shutdown()


def test_chunks_come_in_order_and_no_more_than_the_depth_are_started(work: Work) -> None:
    seen = []
    for chunk, made in read_ahead(range(8), work.submit, 3, work.budget, len):
        seen.append((chunk, made[0]))
        work.budget.add(-len(made))
        assert len(work.started) - len(seen) <= 2
    assert seen == [(chunk, chunk) for chunk in range(8)]
    assert work.budget.held == 0


def test_nothing_is_started_while_the_budget_is_full_and_one_chunk_always_passes(work: Work) -> None:
    work.budget.limit = 10
    for number, (_, made) in enumerate(read_ahead(range(5), work.submit, 4, work.budget, len)):
        assert len(work.started) <= number + 4
        work.budget.add(-len(made))
    assert work.started == list(range(5))
    assert work.budget.peak <= 40


def test_closed_early_it_takes_off_what_it_did_not_hand_on_once_that_is_there(work: Work) -> None:
    ahead = read_ahead(range(8), work.submit, 4, work.budget, len)
    work.gate.clear()
    _, made = next(ahead)
    ahead.close()
    work.budget.add(-len(made))
    work.gate.set()
    work.pool.shutdown()
    assert work.budget.held == 0


def test_work_that_fails_ends_the_reading_and_leaves_nothing_on_the_budget(work: Work) -> None:
    ahead = read_ahead([1, 13, 2, 3], work.submit, 4, work.budget, len)
    _, made = next(ahead)
    work.budget.add(-len(made))
    with pytest.raises(ValueError, match="no such chunk"):
        next(ahead)
    work.pool.shutdown()
    assert work.budget.held == 0


def test_without_a_budget_the_depth_alone_bounds_it(work: Work) -> None:
    assert [chunk for chunk, _ in read_ahead(range(5), work.submit, 2)] == list(range(5))
