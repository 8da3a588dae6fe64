"""Who gets which shard. Times are the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.pool.allot import Allotment
from cluster.pool.contract import PoolSettings
from cluster.pool.ledger import Ledger
from cluster.pool.worker_set import WorkerSet
from schemas.errors import InfrastructureError
from schemas.work import ShardTask, WorkerPoll
from tests.support.scripted_workers import ScriptedHost


class Ward:
    """An allotment with its ledger and the workers that it asked for."""

    def __init__(self, shards: list[int | ShardTask], keep: bool = False, **settings: Any) -> None:
        self.host = ScriptedHost()
        made = PoolSettings(**settings)
        self.workers = WorkerSet(self.host, made)
        self.ledger = Ledger(shards)
        self.allotment = Allotment(self.workers, self.ledger, made, keep, 0.0)

    def ready(self, *wants: int, now: float = 0.0) -> None:
        for told, count in zip(self.host.workers, wants, strict=False):
            told.is_ready(count)
        list(self.workers.listen(now))

    def turn(self, now: float = 0.0) -> None:
        self.allotment.turn(now)

    def given(self) -> list[list[int]]:
        return [[task.shard for task in told.offered] for told in self.host.workers]

    def finish(self, shard: int, now: float) -> None:
        for told in self.host.workers:
            seat = self.workers.seats.get(told.name)
            if seat is not None and shard in seat.hands:
                told.is_ready(1, done=(shard,))
        list(self.workers.listen(now))
        self.ledger.settle(shard)


def test_as_many_workers_are_asked_for_as_there_are_shards_up_to_the_maximum() -> None:
    few, many = Ward([1, 2], max_workers=9), Ward(list(range(99)), max_workers=5)
    few.turn()
    many.turn()
    assert (len(few.host.workers), len(many.host.workers)) == (2, 5)


def test_above_the_minimum_only_a_bounded_number_starts_at_once() -> None:
    ward = Ward(list(range(99)), min_workers=3, max_workers=50, max_starting=2)
    ward.turn()
    assert len(ward.host.workers) == 3
    ward.ready(0, 0, 0)
    ward.turn()
    assert len(ward.host.workers) == 5


def test_the_minimum_is_kept_for_work_that_is_to_come() -> None:
    without, with_more = Ward([1], min_workers=4, max_workers=4), Ward([1], keep=True, min_workers=4, max_workers=4)
    without.turn()
    with_more.turn()
    assert (len(without.host.workers), len(with_more.host.workers)) == (1, 4)


def test_shards_go_one_by_one_to_who_has_the_least_in_hand() -> None:
    ward = Ward([1, 2, 3, 4, 5], min_workers=2, max_workers=2)
    ward.turn()
    ward.ready(3, 3)
    ward.turn()
    assert ward.given() == [[1, 3, 5], [2, 4]]


def test_nobody_gets_more_than_it_wants() -> None:
    ward = Ward([1, 2, 3], max_workers=1)
    ward.turn()
    ward.ready(2)
    ward.turn()
    assert ward.given() == [[1, 2]]


def test_a_worker_that_is_ready_first_leaves_the_others_an_even_part() -> None:
    ward = Ward(list(range(8)), min_workers=2, max_workers=2)
    ward.turn()
    ward.ready(64)
    ward.turn()
    assert ward.given() == [[0, 1, 2, 3], []]
    ward.finish(0, 1.0)
    ward.turn(1.0)
    assert ward.given() == [[0, 1, 2, 3, 4], []], "it goes on while the other is still to come"
    assert len(ward.workers.seats) == 2
    ward.host.workers[1].is_ready(64)
    list(ward.workers.listen(2.0))
    ward.turn(2.0)
    assert ward.given() == [[0, 1, 2, 3, 4], [5, 6, 7]]


def test_a_worker_above_the_minimum_counts_once_it_has_its_place() -> None:
    ward = Ward(list(range(4)), min_workers=1, max_workers=2)
    ward.turn()
    ward.host.workers[1].says.append(WorkerPoll(ready=False))
    ward.ready(64)
    ward.turn()
    assert ward.given() == [[0, 1], []]


def test_a_suspect_goes_only_to_an_idle_worker_and_stays_alone_there() -> None:
    ward = Ward([1, 2, ShardTask(9, "alone")], max_workers=2, min_workers=2)
    ward.turn()
    ward.ready(3, 3)
    ward.turn()
    assert ward.given() == [[9], [1, 2]]


def test_workers_that_do_not_come_end_the_run_with_the_reason() -> None:
    ward = Ward([1, 2], min_workers=2, max_workers=2, start_timeout_s=60)
    ward.turn(0.0)
    ward.turn(60.0)
    with pytest.raises(InfrastructureError) as caught:
        ward.turn(60.5)
    assert "0 of at least 2 workers ready after 60 s" in str(caught.value)
    assert "2 without a place: the cluster is full" in str(caught.value)


def test_once_staffed_one_worker_is_enough_to_go_on() -> None:
    ward = Ward([1, 2, 3], min_workers=2, max_workers=2, start_timeout_s=60)
    ward.turn(0.0)
    ward.ready(1, 1)
    ward.turn(1.0)
    ward.host.workers[0].is_lost("node")
    list(ward.workers.listen(2.0))
    ward.ledger.give_back(1, "w0", 2.0)
    ward.turn(1000.0)
    assert ward.workers.starting == 1, "and another is asked for"


def running(durations: list[float], **settings: Any) -> Ward:
    """Two workers: w0 has shard 1 since time 0, w1 is idle."""
    ward = Ward([1, 2], min_workers=2, max_workers=2, **settings)
    ward.turn(0.0)
    ward.ready(1, 1)
    ward.turn(0.0)
    ward.finish(2, 1.0)
    for seconds in durations:
        ward.allotment.note_duration(seconds)
    return ward


def test_a_shard_that_takes_three_times_the_median_is_copied_once_to_an_idle_worker() -> None:
    ward = running([1.0, 4.0, 100.0], hedge_factor=3, hedge_min_s=2)
    ward.turn(12.0)
    assert ward.given() == [[1], [2]]
    ward.turn(12.1)
    ward.turn(99.0)
    assert ward.given() == [[1], [2, 1]]


def test_short_shards_are_not_copied_before_the_least_time() -> None:
    ward = running([0.01], hedge_min_s=2)
    ward.turn(2.0)
    assert ward.given() == [[1], [2]]
    ward.turn(2.1)
    assert ward.given() == [[1], [2, 1]]


def test_a_worker_that_does_not_answer_has_its_shard_copied_though_none_was_measured() -> None:
    ward = running([], unresponsive_s=30)
    ward.turn(30.0)
    assert ward.given() == [[1], [2]]
    ward.turn(30.5)
    assert ward.given() == [[1], [2, 1]]


def test_without_hedging_the_idle_worker_goes_instead() -> None:
    ward = running([0.01], hedge=False)
    ward.turn(99.0)
    assert ward.given() == [[1], [2]]
    assert list(ward.workers.seats) == ["w0"]


def test_idle_workers_are_kept_only_for_copies_that_may_come() -> None:
    ward = Ward([1, 2, 3], min_workers=3, max_workers=3)
    ward.turn(0.0)
    ward.ready(1, 1, 1)
    ward.turn(0.0)
    ward.finish(2, 1.0)
    ward.finish(3, 1.0)
    ward.turn(1.0)
    assert list(ward.workers.seats) == ["w0", "w1"], "one copy of shard 1 may be needed"
    ward.finish(1, 2.0)
    ward.turn(2.0)
    assert list(ward.workers.seats) == []


def test_who_has_not_come_is_not_waited_for_when_all_is_handed_out() -> None:
    ward = Ward([1, 2], max_workers=2)
    ward.turn(0.0)
    ward.ready(2)
    ward.turn(0.0)
    assert ward.given() == [[1, 2], []]
    assert list(ward.workers.seats) == ["w0"]
