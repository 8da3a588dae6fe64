from __future__ import annotations

import pytest

from cluster.pool.ledger import Ledger
from schemas.errors import UsageError
from schemas.work import ShardTask


def test_shards_wait_in_the_order_given() -> None:
    ledger = Ledger([4, 2, ShardTask(9)])
    taken = []
    while (task := ledger.first("waiting")) is not None:
        taken.append(ledger.hold(task.shard, "a", 0.0).shard)
    assert taken == [4, 2, 9]
    assert (ledger.count("held"), ledger.unheld, ledger.total) == (3, 0, 3)


def test_a_shard_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="shard 3"):
        Ledger([3, ShardTask(3)])


def test_a_shard_climbs_from_normal_to_alone_to_isolate_and_is_given_up_after_two_deaths_there() -> None:
    ledger = Ledger([7])
    modes = []
    given_up = None
    while given_up is None:
        task = ledger.first("waiting") or ledger.first("suspect")
        assert task is not None
        modes.append(ledger.hold(7, "a", 0.0).mode)
        given_up = ledger.strike(7, "a", "killed")
    assert modes == ["normal", "alone", "isolate", "isolate"]
    assert given_up.outcome == "failed"
    assert "shard 7" in given_up.error
    ledger.give_up(given_up)
    assert len(ledger) == 0


def test_a_shard_that_goes_on_where_it_was_does_not_climb_and_is_given_up_after_so_many_restarts() -> None:
    ledger = Ledger([7, 8], restarts=2)
    for _ in range(2):
        assert ledger.hold(7, "a", 0.0).mode == "normal"
        assert ledger.strike(7, "a", "killed") is None
    ledger.hold(7, "a", 0.0)
    given_up = ledger.strike(7, "a", "killed")
    assert given_up is not None
    assert "ended its worker 3 times (killed), which limits.restarts" in given_up.error
    assert 8 in ledger


def test_two_copies_that_die_in_normal_mode_are_one_step_up() -> None:
    ledger = Ledger([1])
    ledger.hold(1, "a", 0.0)
    ledger.hold(1, "b", 0.0)
    assert ledger.strike(1, "a", "") is None
    assert ledger.first("suspect") is None, "b still has it"
    assert ledger.strike(1, "b", "") is None
    task = ledger.first("suspect")
    assert task is not None
    assert task.mode == "alone"


def test_a_shard_given_back_without_blame_keeps_its_mode_and_waits_its_time() -> None:
    ledger = Ledger([1, 2])
    ledger.hold(1, "a", 0.0)
    ledger.give_back(1, "a", ready_at=5.0)
    ledger.wake(4.9)
    assert ledger.count("delayed") == 1
    ledger.wake(5.0)
    first = ledger.first("waiting")
    assert first == ShardTask(1), "and is then first in the queue"


def test_a_shard_dropped_or_settled_leaves_every_queue() -> None:
    ledger = Ledger(range(4))
    ledger.hold(0, "a", 0.0)
    ledger.give_back(0, "a", ready_at=1.0)
    ledger.drop(0)
    ledger.drop(1)
    ledger.hold(2, "a", 0.0)
    assert set(ledger.settle(2)) == {"a"}
    ledger.wake(2.0)
    first = ledger.first("waiting")
    assert first is not None
    assert first.shard == 3
    assert (ledger.unheld, len(ledger), ledger.done, list(ledger.elsewhere)) == (1, 1, 1, [0, 1])


def test_shuffling_loses_nothing() -> None:
    ledger = Ledger(range(50))
    ledger.shuffle()
    taken = set()
    while (task := ledger.first("waiting")) is not None:
        taken.add(ledger.hold(task.shard, "a", 0.0).shard)
    assert taken == set(range(50))


def test_a_shard_that_may_never_end_goes_to_isolation_at_once() -> None:
    ledger = Ledger(range(2))
    ledger.hold(1, "a", 0.0)
    ledger.isolate(1, "a")
    assert ledger.first("suspect") == ShardTask(1, "isolate")
    assert ledger.entry(1).deaths == 0
