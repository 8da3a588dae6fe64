"""The dispatcher's rules with a real worker in this process, where nothing has to be waited for."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cluster.pool.contract import DispatchResult, PoolSettings
from cluster.pool.dispatch import Dispatcher
from cluster.pool.serial import SerialHost
from schemas.errors import FingerprintError, InfrastructureError, RejectLimitError, SpecError, UsageError
from schemas.work import ShardReport, ShardTask
from tests.support.toy_worker import committed, notes

TOY = "tests.support.toy_worker:build"


def settings(**changes: Any) -> PoolSettings:
    return PoolSettings(**{"poll_interval_s": 0.002, "backoff_s": 0.01, **changes})


def dispatcher(directory: Path, pool: PoolSettings | None = None, **job: Any) -> Dispatcher:
    return Dispatcher(SerialHost(TOY, {"directory": str(directory), **job}), pool or settings())


def test_every_shard_is_done_and_reported_once(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    result = dispatcher(tmp_path).run(range(20), on_report=reports.append)
    assert result == DispatchResult("complete", 20, 20, workers_started=1, elapsed_s=result.elapsed_s)
    assert sorted(report.shard for report in reports) == committed(tmp_path) == list(range(20))
    assert len(notes(tmp_path, "close")) == 1


def test_nothing_to_do_starts_no_worker(tmp_path: Path) -> None:
    result = dispatcher(tmp_path).run([])
    assert (result.outcome, result.workers_started) == ("complete", 0)


def test_a_worker_is_given_no_more_than_it_wants(tmp_path: Path) -> None:
    dispatcher(tmp_path, depth=3, seconds=0.005).run(range(12))
    assert max(len(offer["beside"]) for offer in notes(tmp_path, "offer")) == 2


def test_workers_live_on_from_a_sample_to_the_run(tmp_path: Path) -> None:
    pool = dispatcher(tmp_path)
    reports: list[ShardReport] = []
    sample = pool.run(
        [ShardTask(0, sample=(1, 2)), ShardTask(5, sample=(3,))], on_report=reports.append, keep_workers=True
    )
    assert {report.shard: report.rows for report in reports} == {0: 2, 5: 1}
    assert committed(tmp_path) == []
    result = pool.run(range(6))
    assert (sample.workers_started, result.workers_started) == (1, 0)
    assert committed(tmp_path) == list(range(6))


def test_a_shard_that_another_committed_is_adopted(tmp_path: Path) -> None:
    dispatcher(tmp_path).run([3])
    reports: list[ShardReport] = []
    dispatcher(tmp_path).run(range(5), on_report=reports.append)
    assert {report.shard for report in reports if report.outcome == "adopted"} == {3}


def test_shards_that_storage_has_are_not_done_again(tmp_path: Path) -> None:
    pool = settings(elsewhere_interval_s=0.02)
    dispatcher(tmp_path, pool, seconds=0.01).run(range(100, 160))
    before = len(notes(tmp_path, "offer"))
    result = dispatcher(tmp_path, pool, seconds=0.01).run(
        range(100, 170), committed_elsewhere=lambda: committed(tmp_path)
    )
    assert result.outcome == "complete"
    assert len(result.elsewhere) + result.done == 70
    assert len(notes(tmp_path, "offer")) - before < 50


def test_a_retryable_failure_is_tried_again(tmp_path: Path) -> None:
    acts = {"2": {"do": "fail", "times": 3}}
    result = dispatcher(tmp_path, acts=acts).run(range(4))
    assert (result.outcome, result.done) == ("complete", 4)
    assert len(notes(tmp_path, "fail")) == 3


def test_failures_that_persist_end_the_run_as_incomplete(tmp_path: Path) -> None:
    acts = {"2": {"do": "fail", "times": 1000}}
    with pytest.raises(InfrastructureError, match=r"last: shard 2, .*503 Slow Down"):
        dispatcher(tmp_path, settings(max_infrastructure_failures=4, max_backoff_s=0.02), acts=acts).run(range(4))
    assert committed(tmp_path) == [0, 1, 3]


def test_a_refusal_ends_the_run_with_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FingerprintError, match="another run lies there"):
        dispatcher(tmp_path, acts={"1": {"do": "refuse"}}).run(range(50))
    assert len(notes(tmp_path, "close")) == 1


def test_what_the_caller_raises_on_a_report_ends_the_run(tmp_path: Path) -> None:
    def too_many(report: ShardReport) -> None:
        raise RejectLimitError("limit")

    with pytest.raises(RejectLimitError):
        dispatcher(tmp_path).run(range(50), on_report=too_many)
    assert len(notes(tmp_path, "close")) == 1


def test_what_the_factory_raises_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        dispatcher(tmp_path, start={"raise": "SpecError"}).run([0])


def test_a_factory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="toy_worker:nobody"):
        Dispatcher(SerialHost("tests.support.toy_worker:nobody", {}), settings()).run([0])


def test_draining_finishes_what_is_in_hand_and_takes_no_more(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    result = dispatcher(tmp_path, seconds=0.02).run(
        range(50), on_report=reports.append, should_stop=lambda: "drain" if reports else "no"
    )
    assert result.outcome == "drained"
    assert committed(tmp_path) == sorted(report.shard for report in reports)
    assert {offer["shard"] for offer in notes(tmp_path, "offer")} == set(committed(tmp_path))


def test_aborting_ends_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    result = dispatcher(tmp_path, seconds=20).run(range(3), should_stop=lambda: "abort")
    assert result.outcome == "aborted"
    assert time.monotonic() - began < 15


def test_a_shard_past_its_deadline_runs_alone_and_then_isolated_and_is_then_given_up(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    pool = settings(shard_deadline_s=0.05, isolate_deadline_factor=2)
    result = dispatcher(tmp_path, pool, acts={"1": {"do": "hang", "times": 99}}).run(range(4), on_report=reports.append)
    assert [event["mode"] for event in notes(tmp_path, "hang")] == ["normal", "alone", "isolate", "isolate"]
    assert [report.shard for report in result.failed] == [1]
    assert [report.shard for report in reports if report.outcome == "failed"] == [1]
    assert committed(tmp_path) == [0, 2, 3]
    assert result.lost == {"deadline": 4}


def test_a_suspect_has_its_worker_for_itself(tmp_path: Path) -> None:
    pool = settings(shard_deadline_s=0.1)
    dispatcher(tmp_path, pool, seconds=0.002, depth=3, acts={"1": {"do": "hang"}}).run(range(30))
    offers = notes(tmp_path, "offer")
    lonely = [offer for offer in offers if offer["mode"] == "alone"]
    assert {offer["shard"] for offer in lonely} >= {1}
    assert all(offer["beside"] == [] for offer in lonely)
    suspects = {offer["shard"] for offer in lonely}
    assert not any(suspects & set(offer["beside"]) for offer in offers if offer["at"] > lonely[0]["at"])


def test_two_drivers_share_a_run(tmp_path: Path) -> None:
    results: list[DispatchResult] = []

    def drive() -> None:
        pool = dispatcher(tmp_path, settings(elsewhere_interval_s=0.1), seconds=0.02)
        results.append(pool.run(range(40), committed_elsewhere=lambda: committed(tmp_path)))

    drivers = [threading.Thread(target=drive) for _ in range(2)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(30)
    assert [result.outcome for result in results] == ["complete", "complete"]
    assert committed(tmp_path) == list(range(40))
    assert len(notes(tmp_path, "offer")) < 75, "each should not do all of it"


def test_progress_counts_up_to_the_total(tmp_path: Path) -> None:
    seen = []
    dispatcher(tmp_path, seconds=0.002).run(range(10), on_progress=seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert (seen[-1].done, seen[-1].total, seen[-1].records_done) == (10, 10, 100)


def test_a_shard_is_told_before_the_worker_has_it_and_the_oldest_in_hand_ever_after(tmp_path: Path) -> None:
    told: list[int | None] = []
    handle = SerialHost(TOY, {"directory": str(tmp_path)}, beat=told.append).spawn()
    handle.offer(ShardTask(7))
    assert told == [7]
    handle.offer(ShardTask(8))
    assert told == [7, 7]
    while handle.poll().running:
        time.sleep(0.01)
    handle.close()
    assert told[-1] is None
