"""The dispatcher with workers that are real processes of a real Ray cluster, and really die."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import OutOfMemoryError

from cluster.pool.contract import DispatchResult, PoolSettings, WorkerLost
from cluster.pool.dispatch import Dispatcher
from cluster.pool.losses import classify
from cluster.pool.ray_pool import RayHandle, RayHost, WorkerResources
from cluster.session import Cluster, Session, SessionSettings
from schemas.errors import InfrastructureError, SpecError, WardroundError
from schemas.work import ShardReport, WorkerPoll
from tests.support.toy_worker import committed, notes
from tests.support.waiting import alive, wait_for

TOY = "tests.support.toy_worker:build"
CPUS = 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Four logical cores and two logical GPUs."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("RAY_ADDRESS", raising=False)
        with Session(SessionSettings(cpus=CPUS, gpus=2)) as joined:
            yield joined


@pytest.fixture(autouse=True)
def _everything_is_given_back(cluster: Cluster) -> Iterator[None]:
    yield
    wait_for(lambda: ray.available_resources().get("CPU") == CPUS and ray.available_resources().get("GPU") == 2)


def host(directory: Path, resources: WorkerResources | None = None, **job: Any) -> RayHost:
    return RayHost(TOY, {"directory": str(directory), **job}, resources or WorkerResources())


def settings(workers: int = 2, **changes: Any) -> PoolSettings:
    return PoolSettings(
        **{"min_workers": workers, "max_workers": workers, "start_timeout_s": 60, "backoff_s": 0.05, **changes}
    )


def started(place: RayHost) -> tuple[RayHandle, WorkerPoll]:
    handle = place.spawn()
    while (poll := handle.poll()) is None or not poll.ready:
        place.wait(0.05)
    return handle, poll


@pytest.mark.long
def test_a_node_with_another_version_ends_the_run_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.pool.ray_pool._VERSION", "99.0")
    place = host(tmp_path)
    lost = loss(place, place.spawn())
    assert (lost.kind, lost.error_type) == ("start", "UsageError")
    assert "install that version on every node" in lost.detail


def loss(place: RayHost, handle: RayHandle, seconds: float = 30) -> WorkerLost:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            handle.poll()
        except WorkerLost as lost:
            return lost
        place.wait(0.05)
    raise AssertionError("the loss was not noticed")


def test_every_shard_is_done_once_by_workers_that_pull(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    result = Dispatcher(host(tmp_path, depth=2, seconds=0.02), settings()).run(range(30), on_report=reports.append)
    assert (result.outcome, result.done, result.workers_started, dict(result.lost)) == ("complete", 30, 2, {})
    assert sorted(report.shard for report in reports) == committed(tmp_path) == list(range(30))
    offers = notes(tmp_path, "offer")
    assert len({offer["pid"] for offer in offers}) == 2
    assert max(len(offer["beside"]) for offer in offers) == 1


@pytest.mark.long
def test_a_few_heavy_shards_wait_for_the_worker_that_is_ready_later(tmp_path: Path) -> None:
    late = {"sleep": 2.0, "from": 1}
    result = Dispatcher(host(tmp_path, depth=64, seconds=1.0, start=late), settings()).run(range(8))
    assert (result.outcome, result.done, result.workers_started) == ("complete", 8, 2)
    offered = [offer["pid"] for offer in notes(tmp_path, "offer")]
    assert min(offered.count(pid) for pid in set(offered)) >= 2, "the first has no more than its part and what it ended"
    assert len(set(offered)) == 2


@pytest.mark.long
def test_the_pool_grows_while_there_is_work_and_lets_idle_workers_go(tmp_path: Path) -> None:
    seen: list[int] = []
    acts = {"59": {"do": "slow", "seconds": 3.0}}
    result = Dispatcher(
        host(tmp_path, seconds=0.2, depth=1, acts=acts), settings(1, max_workers=3, max_starting=1, hedge=False)
    ).run(range(60), on_progress=lambda progress: seen.append(progress.workers_ready))
    assert result.workers_started == 3
    assert max(seen) == 3
    assert seen[-1] == 1, "the other two went while the last shard was running"


def test_a_dead_worker_is_replaced_and_its_shards_run_alone(tmp_path: Path) -> None:
    place = host(tmp_path, depth=3, seconds=0.02, acts={"0": {"do": "die"}})
    result = Dispatcher(place, settings(1, hedge=False)).run(range(20))
    assert (result.outcome, dict(result.lost), result.workers_started) == ("complete", {"own_signal": 1}, 2)
    assert committed(tmp_path) == list(range(20))
    lonely = [offer for offer in notes(tmp_path, "offer") if offer["mode"] == "alone"]
    assert {offer["shard"] for offer in lonely} == {0, 1, 2}
    assert all(offer["beside"] == [] for offer in lonely)


@pytest.mark.long
def test_what_kills_alone_too_is_scored_in_isolation(tmp_path: Path) -> None:
    acts = {"1": {"do": "die", "times": 99, "modes": ["normal", "alone"]}}
    result = Dispatcher(host(tmp_path, acts=acts, depth=1), settings(1)).run(range(4))
    assert [event["mode"] for event in notes(tmp_path, "die")] == ["normal", "alone"]
    assert (result.outcome, result.failed) == ("complete", ())
    assert committed(tmp_path) == [0, 1, 2, 3]


@pytest.mark.long
def test_what_kills_in_isolation_twice_is_given_up_and_the_rest_is_done(tmp_path: Path) -> None:
    result = Dispatcher(host(tmp_path, acts={"1": {"do": "die", "times": 99}}), settings(hedge=False)).run(range(8))
    assert [event["mode"] for event in notes(tmp_path, "die")] == ["normal", "alone", "isolate", "isolate"]
    assert [(report.shard, report.outcome) for report in result.failed] == [(1, "failed")]
    assert committed(tmp_path) == [0, 2, 3, 4, 5, 6, 7]


@pytest.mark.long
def test_a_worker_that_is_stopped_past_the_deadline_is_really_killed(tmp_path: Path) -> None:
    pool = settings(1, shard_deadline_s=1.0, unresponsive_s=0.3)
    result = Dispatcher(host(tmp_path, acts={"2": {"do": "stop"}}), pool).run(range(5))
    assert (result.outcome, dict(result.lost)) == ("complete", {"deadline": 1})
    assert committed(tmp_path) == list(range(5))
    wait_for(lambda: not alive(notes(tmp_path, "stop")[0]["pid"]))


def test_a_stopped_worker_s_shards_are_copied_and_when_it_wakes_nothing_is_done_twice(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    acts = {"0": {"do": "stop"}, "9": {"do": "slow", "seconds": 4.0}}
    pool = Dispatcher(host(tmp_path, acts=acts, depth=1), settings(3, unresponsive_s=0.5, hedge_factor=1000))

    def wake() -> None:
        wait_for(lambda: 0 in committed(tmp_path))
        os.kill(notes(tmp_path, "stop")[0]["pid"], signal.SIGCONT)

    waker = threading.Thread(target=wake)
    waker.start()
    result = pool.run(range(10), on_report=reports.append)
    waker.join()
    assert (result.outcome, dict(result.lost)) == ("complete", {})
    assert sorted(report.shard for report in reports) == committed(tmp_path) == list(range(10))
    assert len([offer for offer in notes(tmp_path, "offer") if offer["shard"] == 0]) == 2


def test_the_slow_last_shard_gets_one_copy(tmp_path: Path) -> None:
    acts = {"11": {"do": "slow", "seconds": 60}}
    result = Dispatcher(host(tmp_path, acts=acts, seconds=0.1, depth=1), settings(3, hedge_factor=3)).run(range(12))
    assert result.outcome == "complete"
    assert result.elapsed_s < 30
    assert len([offer for offer in notes(tmp_path, "offer") if offer["shard"] == 11]) == 2


def test_workers_that_cannot_be_placed_end_the_run_saying_what_is_missing(tmp_path: Path) -> None:
    pool = Dispatcher(host(tmp_path, WorkerResources(cpus=1, gpus=5)), settings(2, start_timeout_s=0.5))
    with pytest.raises(InfrastructureError) as caught:
        pool.run(range(3))
    message = str(caught.value)
    assert "0 of at least 2 workers" in message
    assert "0 still loading their models, 2 without a place" in message
    assert "asks for 1 CPU, 5 GPU" in message
    assert "the cluster has 4 CPU, 2 GPU" in message
    assert "no node is big enough" in message


@pytest.mark.long
def test_workers_that_must_wait_for_others_are_told_apart(tmp_path: Path) -> None:
    pool = Dispatcher(host(tmp_path, WorkerResources(cpus=3)), settings(2, start_timeout_s=6, hedge=False))
    with pytest.raises(InfrastructureError, match=r"1 of at least 2 .* what is there is taken"):
        pool.run(range(2000), on_report=lambda report: time.sleep(0.02))


def visible_gpus(directory: Path, resources: WorkerResources, workers: int) -> list[str]:
    def starts() -> list[str]:
        return sorted(start["visible"] for start in notes(directory, "start"))

    Dispatcher(host(directory, resources), settings(workers)).run(
        range(10**5), should_stop=lambda: "abort" if len(starts()) == workers else "no"
    )
    return starts()


def test_a_whole_gpu_is_a_worker_s_own(tmp_path: Path) -> None:
    assert visible_gpus(tmp_path, WorkerResources(gpus=1), workers=2) == ["0", "1"]


def test_a_fraction_of_a_gpu_is_shared(tmp_path: Path) -> None:
    assert visible_gpus(tmp_path, WorkerResources(cpus=0.5, gpus=0.5), workers=4) == ["0", "0", "1", "1"]


def test_a_worker_without_gpu_sees_none(tmp_path: Path) -> None:
    assert visible_gpus(tmp_path, WorkerResources(), workers=1) == [""]


def test_an_error_of_ours_in_the_factory_ends_the_run_as_itself(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the factory was told to raise this"):
        Dispatcher(host(tmp_path, start={"raise": "SpecError"}), settings()).run(range(3))


@pytest.mark.long
def test_a_factory_that_hangs_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="1 still loading their models, 0 without a place"):
        Dispatcher(host(tmp_path, start={"sleep": 600}), settings(1, start_timeout_s=8)).run([0])


@pytest.mark.parametrize("how", ["bug", "crash"])
def test_factories_that_keep_failing_end_the_run(tmp_path: Path, how: str) -> None:
    with pytest.raises(InfrastructureError, match="2 workers in a row failed to start") as caught:
        Dispatcher(host(tmp_path, start={how: True}), settings(1, max_start_failures=2)).run(range(3))
    assert ("ValueError" in str(caught.value)) == (how == "bug")
    assert "Mueller" not in str(caught.value)


def test_a_bug_in_a_worker_ends_the_run_and_its_text_stays_there(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match=r"KeyError at .*toy_worker\.py") as caught:
        Dispatcher(host(tmp_path, bug_in_offer=True), settings(1)).run(range(3))
    assert caught.value.exit_code == 1
    assert "Mueller" not in str(caught.value)


def test_draining_and_aborting_give_everything_back(tmp_path: Path) -> None:
    reports: list[ShardReport] = []
    drained = Dispatcher(host(tmp_path, seconds=0.2), settings()).run(
        range(100), on_report=reports.append, should_stop=lambda: "drain" if reports else "no"
    )
    assert drained.outcome == "drained"
    assert committed(tmp_path) == sorted(report.shard for report in reports)
    # In a folder of its own: how many workers the first run had time to start is not known.
    place = tmp_path / "aborted"
    place.mkdir()
    aborted = Dispatcher(host(place, seconds=30), settings()).run(
        range(10), should_stop=lambda: "abort" if len(notes(place, "start")) >= 2 else "no"
    )
    assert aborted.outcome == "aborted"


@pytest.mark.long
def test_two_drivers_on_one_run_do_each_shard_once(tmp_path: Path) -> None:
    results: list[DispatchResult] = []

    def drive() -> None:
        pool = Dispatcher(host(tmp_path, seconds=0.1), settings(elsewhere_interval_s=0.5))
        results.append(pool.run(range(60), committed_elsewhere=lambda: committed(tmp_path)))

    drivers = [threading.Thread(target=drive) for _ in range(2)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(60)
    assert [result.outcome for result in results] == ["complete", "complete"]
    assert committed(tmp_path) == list(range(60))
    assert len(notes(tmp_path, "offer")) < 110


def test_the_ends_of_a_worker_are_told_apart(tmp_path: Path) -> None:
    place = host(tmp_path)
    crashed, poll = started(place)
    os.kill(poll.info["pid"], signal.SIGSEGV)
    assert loss(place, crashed).kind == "own_signal"
    killed, _ = started(place)
    ray.kill(killed._actor)
    assert loss(place, killed).kind == "killed"
    assert classify(OutOfMemoryError("1 worker(s) were killed due to the node running low on memory")).kind == "oom"
    assert place.size == 0
