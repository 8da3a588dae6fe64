"""The actor around a worker, asked as its driver asks: late, twice, and about a worker that breaks."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster.pool.actor import THREAD_VARIABLES, Answer, Command, WorkerActor
from schemas.work import ShardTask
from tests.support.toy_worker import committed, notes

TOY = "tests.support.toy_worker:build"
pytestmark = pytest.mark.timeout(30)


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an actor does to its process is taken back."""
    for name in (*THREAD_VARIABLES, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "before")


@pytest.fixture
def actors() -> Iterator[list[WorkerActor]]:
    """Stopped at the end."""
    made: list[WorkerActor] = []
    yield made
    for actor in made:
        actor.stop()


def actor(
    made: list[WorkerActor], directory: Path, factory: str = TOY, cpus: float = 2, gpus: float = 0, **job: Any
) -> WorkerActor:
    made.append(WorkerActor(factory, {"directory": str(directory), **job}, cpus, gpus, "node-7"))
    return made[-1]


def offer(number: int, shard: int) -> Command:
    return Command(number, "offer", ShardTask(shard))


def until(actor: WorkerActor, what: Any, acknowledged: int = 0, commands: Sequence[Command] = ()) -> Answer:
    end = time.monotonic() + 10
    while True:
        answer = actor.exchange(acknowledged, commands)
        if what(answer) or time.monotonic() > end:
            assert what(answer)
            return answer
        time.sleep(0.005)


def test_it_answers_at_once_while_the_worker_is_still_being_built(actors: list[WorkerActor], tmp_path: Path) -> None:
    began = time.monotonic()
    slow = actor(actors, tmp_path, start={"sleep": 1.5})
    answer = slow.exchange(0, [offer(1, 3)])
    assert time.monotonic() - began < 1.4
    assert (answer.poll.ready, answer.node, answer.pid) == (False, "node-7", os.getpid())
    until(slow, lambda answer: answer.poll.ready)
    # What was asked before it was there is asked again by the driver.
    assert until(slow, lambda answer: answer.poll.done, 0, [offer(1, 3)]).poll.done[0].shard == 3


def test_a_command_that_is_repeated_is_carried_out_once(actors: list[WorkerActor], tmp_path: Path) -> None:
    toy = actor(actors, tmp_path)
    until(toy, lambda answer: answer.poll.ready)
    for _ in range(3):
        toy.exchange(0, [offer(1, 5), offer(2, 6)])
    answer = until(toy, lambda answer: len(answer.poll.done) == 2)
    assert [report.shard for report in answer.poll.done] == [5, 6]
    assert [line["shard"] for line in notes(tmp_path, "offer")] == [5, 6]
    assert committed(tmp_path) == [5, 6]


def test_a_report_is_repeated_until_it_is_acknowledged(actors: list[WorkerActor], tmp_path: Path) -> None:
    toy = actor(actors, tmp_path)
    until(toy, lambda answer: answer.poll.ready)
    commands = [offer(number, number) for number in (1, 2, 3)]
    first = until(toy, lambda answer: len(answer.poll.done) == 3, 0, commands)
    again = toy.exchange(0, [])
    assert again.poll.done == first.poll.done
    assert again.first == 1
    rest = toy.exchange(2, [])
    assert ([report.shard for report in rest.poll.done], rest.first) == ([3], 3)
    # A question that was overtaken on the way brings nothing back.
    late = toy.exchange(1, [])
    assert ([report.shard for report in late.poll.done], late.first) == ([3], 3)
    assert toy.exchange(3, []).poll.done == ()


def test_a_cancelled_shard_is_not_done(actors: list[WorkerActor], tmp_path: Path) -> None:
    toy = actor(actors, tmp_path, seconds=0.2)
    until(toy, lambda answer: answer.poll.ready)
    toy.exchange(0, [offer(1, 1), offer(2, 2), Command(3, "cancel", ShardTask(2))])
    answer = until(toy, lambda answer: answer.poll.done)
    assert [report.shard for report in answer.poll.done] == [1]
    assert answer.poll.running == ()


def test_an_error_of_ours_at_the_start_is_told_with_its_message(actors: list[WorkerActor], tmp_path: Path) -> None:
    broken = actor(actors, tmp_path, start={"raise": "SpecError"})
    fault = until(broken, lambda answer: answer.fault).fault
    assert fault is not None
    assert (fault.error_type, fault.detail, fault.at_start) == (
        "SpecError",
        "the factory was told to raise this",
        True,
    )


def test_any_other_error_is_told_by_type_and_place_without_a_word_of_it(
    actors: list[WorkerActor], tmp_path: Path
) -> None:
    at_start = until(actor(actors, tmp_path, start={"bug": True}), lambda answer: answer.fault).fault
    toy = actor(actors, tmp_path, bug_in_offer=True)
    until(toy, lambda answer: answer.poll.ready)
    later = toy.exchange(0, [offer(1, 1)]).fault
    for fault, kind, begins in ((at_start, "ValueError", True), (later, "KeyError", False)):
        assert fault is not None
        assert (fault.error_type, fault.at_start) == (kind, begins)
        assert "toy_worker.py" in fault.detail
        assert "Mueller" not in fault.detail
    # It is over with that worker.
    assert toy.exchange(0, [offer(2, 2)]).fault == later
    assert [line["shard"] for line in notes(tmp_path, "offer")] == []


def test_a_module_that_is_lacking_on_the_node_is_named(actors: list[WorkerActor], tmp_path: Path) -> None:
    fault = until(actor(actors, tmp_path, "no_such_module:make"), lambda answer: answer.fault).fault
    assert fault is not None
    assert (fault.error_type, fault.detail) == (
        "MissingExtraError",
        "package 'no_such_module' is not installed: install it",
    )


def test_its_libraries_get_the_cores_it_was_given_and_no_gpu_where_none_was(
    actors: list[WorkerActor], tmp_path: Path
) -> None:
    actor(actors, tmp_path, cpus=3.5)
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"3"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
    actor(actors, tmp_path, cpus=0.5, gpus=1)
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"1"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_stop_closes_the_worker_and_only_then_its_thread_ends(tmp_path: Path) -> None:
    toy = actor([], tmp_path)
    until(toy, lambda answer: answer.poll.ready)
    (factory,) = [thread for thread in threading.enumerate() if thread.name == "worker-factory" and thread.is_alive()]
    assert notes(tmp_path, "close") == []
    toy.stop()
    factory.join(5)
    assert not factory.is_alive()
    assert len(notes(tmp_path, "close")) == 1
