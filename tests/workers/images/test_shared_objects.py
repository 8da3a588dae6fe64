from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from schemas.errors import InfrastructureError
from schemas.status import Status
from workers.children.contract import Request, Result
from workers.children.memory import SharedBytes
from workers.images.fetching import Fetched
from workers.images.shared_objects import SharedObject
from workers.pipeline.byte_budget import ByteBudget

BODY = b"x" * 1000


class Pool:
    """Shares in memory that children could map."""

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        raise NotImplementedError

    def share(self, data: bytes | memoryview) -> SharedBytes:
        return SharedBytes(data)

    def close(self) -> None:
        """Nothing to stop."""


def pool_of(data: bytes | memoryview) -> Pool:
    return Pool()


class Storage:
    """Counts how often it is asked; fails the first `failures` times."""

    def __init__(self, answer: Fetched, failures: int = 0) -> None:
        self.answer, self.failures, self.asked = answer, failures, 0

    def __call__(self) -> Fetched:
        self.asked += 1
        if self.asked <= self.failures:
            raise InfrastructureError("storage is down")
        return self.answer


def test_it_is_fetched_once_and_kept_until_the_last_chunk_is_done() -> None:
    budget, storage = ByteBudget(1 << 20), Storage(Fetched(BODY))
    shared = SharedObject(budget)
    for _ in range(3):
        shared.expect()
    for left in (2, 1, 0):
        assert bytes(shared.fetched(storage, pool_of).data) == BODY
        assert isinstance(shared.bytes, SharedBytes)
        assert budget.held == len(BODY)
        shared.done()
        assert budget.held == (len(BODY) if left else 0)
    assert storage.asked == 1


def test_what_failed_is_fetched_again_and_what_is_missing_is_not() -> None:
    budget, storage = ByteBudget(1 << 20), Storage(Fetched(BODY), failures=1)
    shared = SharedObject(budget)
    shared.expect()
    with pytest.raises(InfrastructureError):
        shared.fetched(storage, pool_of)
    assert budget.held == 0
    assert shared.fetched(storage, pool_of).status is None
    missing = Storage(Fetched(status=Status.MISSING, detail="no object"))
    gone = SharedObject(budget)
    assert [gone.fetched(missing, pool_of).status for _ in range(2)] == [Status.MISSING, Status.MISSING]
    assert missing.asked == 1


def test_closed_it_leaves_nothing_on_the_budget_even_for_a_chunk_under_way() -> None:
    budget, storage = ByteBudget(1 << 20), Storage(Fetched(BODY))
    shared = SharedObject(budget)
    shared.expect()
    shared.expect()
    shared.fetched(storage, pool_of)
    shared.close()
    assert budget.held == 0
    shared.fetched(storage, pool_of)
    shared.done()
    assert budget.held == 0


def test_an_object_above_the_bound_blocks_nobody_who_reads_its_next_chunk() -> None:
    budget = ByteBudget(10)
    shared = SharedObject(budget)
    shared.expect()
    shared.fetched(Storage(Fetched(BODY)), pool_of)
    budget.wait_below()
