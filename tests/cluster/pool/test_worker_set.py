"""Times are the test's own: no clock, no process."""

from __future__ import annotations

from cluster.pool.contract import PoolSettings
from cluster.pool.worker_set import Seat, WorkerSet
from schemas.work import ShardTask, WorkerPoll
from tests.support.scripted_workers import ScriptedHost, ScriptedWorker

SETTINGS = PoolSettings(unresponsive_s=30, close_timeout_s=10)


def staffed(count: int) -> tuple[WorkerSet, list[Seat], list[ScriptedWorker]]:
    host = ScriptedHost()
    workers = WorkerSet(host, SETTINGS)
    for _ in range(count):
        workers.spawn(0.0)
    return workers, list(workers.seats.values()), host.workers


def listen(workers: WorkerSet, now: float) -> None:
    list(workers.listen(now))


def test_a_worker_starts_then_loads_then_is_ready() -> None:
    workers, (seat,), (told,) = staffed(1)
    assert (workers.starting, workers.loading, workers.ready) == (1, 0, 0)
    told.says.append(WorkerPoll(ready=False))
    listen(workers, 1.0)
    assert (workers.starting, workers.loading, workers.ready) == (1, 1, 0), "its first answer shows it has a place"
    told.is_ready()
    (news,) = workers.listen(2.0)
    assert (workers.starting, workers.loading, workers.ready) == (0, 0, 1)
    assert news.became_ready
    assert seat.placed_at == 1.0


def test_no_news_is_not_an_answer() -> None:
    workers, (seat,), _ = staffed(1)
    assert list(workers.listen(9.0)) == []
    assert seat.heard_at == 0.0


def test_a_report_comes_with_the_task_it_answers_and_leaves_the_hands() -> None:
    workers, (seat,), (told,) = staffed(1)
    told.is_ready(2)
    listen(workers, 1.0)
    task = ShardTask(5, "alone")
    seat.give(task, 1.0)
    told.is_ready(done=(5, 6))
    (news,) = workers.listen(2.0)
    assert [(report.shard, given) for report, given in news.reports] == [(5, task), (6, None)]
    assert seat.hands == {}


def test_a_lost_worker_has_left_its_seat_when_its_loss_is_told() -> None:
    workers, (lost, _), (first, second) = staffed(2)
    first.is_lost("oom")
    second.is_ready()
    seen = [(news.lost and news.lost.kind, lost.name in workers.seats) for news in workers.listen(1.0)]
    assert seen == [("oom", False), (None, False)]
    assert workers.lost == {"oom": 1}


def test_records_of_a_worker_that_is_gone_still_count() -> None:
    workers, _, (first, second) = staffed(2)
    first.says.append(WorkerPoll(True, records_done=70))
    second.says.append(WorkerPoll(True, records_done=5))
    listen(workers, 1.0)
    first.is_lost("node")
    listen(workers, 2.0)
    assert workers.records_done == 75


def test_a_suspect_shares_its_worker_with_nothing() -> None:
    _, (seat,), _ = staffed(1)
    seat.hear(WorkerPoll(True, wants=3), 0.0)
    seat.give(ShardTask(1), 0.0)
    assert seat.open_to_more
    assert not seat.idle
    seat.give(ShardTask(2, "isolate"), 0.0)
    assert not seat.open_to_more


def test_a_worker_that_runs_what_nobody_wants_any_more_is_not_idle() -> None:
    _, (seat,), _ = staffed(1)
    seat.hear(WorkerPoll(True, running=(9,), wants=1), 0.0)
    assert not seat.idle


def test_the_oldest_shard_ages_from_when_it_became_the_oldest() -> None:
    _, (seat,), _ = staffed(1)
    seat.hear(WorkerPoll(True, wants=2), 0.0)
    seat.give(ShardTask(1), 1.0)
    seat.give(ShardTask(2), 2.0)
    assert (seat.oldest, seat.oldest_since) == (1, 1.0)
    seat.hear(WorkerPoll(True, running=(1, 2)), 5.0)
    assert (seat.oldest, seat.oldest_since) == (1, 1.0)
    seat.take_back(1, 7.0)
    assert (seat.oldest, seat.oldest_since) == (2, 7.0)


def test_a_shard_is_cancelled_only_where_it_is_in_hand() -> None:
    _, (seat,), (told,) = staffed(1)
    seat.give(ShardTask(1), 0.0)
    seat.take_back(1, 1.0)
    seat.take_back(1, 1.0)
    seat.take_back(2, 1.0)
    assert told.cancelled == [1]


def test_who_is_released_and_does_not_go_is_killed_in_the_end() -> None:
    workers, (seat,), (told,) = staffed(1)
    workers.release(seat, 0.0)
    assert not workers.drain(10.0)
    assert told.ended == ["close"]
    assert workers.drain(10.1)
    assert told.ended == ["close", "kill"]


def test_release_of_all_waits_for_the_idle_and_kills_the_busy_and_the_silent() -> None:
    workers, (_, busy, _), (idle, working, silent) = staffed(3)
    idle.is_ready()
    working.is_ready()
    listen(workers, 25.0)
    busy.give(ShardTask(1), 25.0)
    workers.release_all(31.0)
    assert (idle.ended, working.ended, silent.ended) == (["close"], ["kill"], ["kill"])
    assert workers.seats == {}


def test_kill_of_all_ends_those_who_were_leaving_too() -> None:
    workers, (first, _), (leaving, staying) = staffed(2)
    workers.release(first, 0.0)
    workers.kill_all(1.0)
    assert (leaving.ended, staying.ended) == (["close", "kill"], ["kill"])
    leaving.gone = staying.gone = True
    assert workers.drain(1.0)
    assert workers.lost == {}, "nobody was lost: they were told to go"
