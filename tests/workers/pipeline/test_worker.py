"""The pipeline of a worker where shards are cancelled, fail and are offered again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InfrastructureError, SpecError
from schemas.work import ShardReport, ShardTask
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.kinds import ShardTable
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ArrayScoring
from workers.pipeline.worker import Pace, PipelineWorker

RECORDS = 6
pytestmark = pytest.mark.timeout(30)


class Gate(ArrayScoring):
    """No model, but a place to wait and to fail at each record."""

    def __init__(self) -> None:
        super().__init__({}, {})
        self.passes: Callable[[int], None] = lambda row: None

    def score(self, rows: ShardRows, part: Any) -> None:
        self.passes(part[0].row)
        super().score(rows, part)


class Job:
    """What `PipelineWorker` needs of a stage; commits are remembered."""

    shard_records = RECORDS

    def __init__(self) -> None:
        self.prepare_seconds = 0.0
        self.scorer = Gate()
        self.reader = self
        self.committed: list[int] = []
        self.loads: list[Exception] = []
        self.hold = threading.Event()
        self.hold.set()
        self.storage = threading.Event()
        self.storage.set()

    def load_models(self) -> None:
        if self.loads:
            raise self.loads.pop(0)

    def records(self, task: ShardTask) -> pa.Table:
        return pa.table({"record_id": [f"{task.shard}-{row}" for row in range(RECORDS)]})

    def new_rows(self, records: pa.Table) -> ShardRows:
        return ShardRows(records, {}, [None] * RECORDS, [None] * RECORDS)

    def keep_tuning(self) -> None:
        raise AssertionError("nothing was measured")

    def isolate(self, task: ShardTask, records: pa.Table) -> ShardTable:
        raise AssertionError("no worker died")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        for row in range(records.num_rows):
            if row:
                self.hold.wait(60)
            yield [Prepared(row)]

    def start(self, task: ShardTask, rows: ShardRows) -> Callable[[], ShardTable]:
        self.scorer.start(rows)

        def finish() -> ShardTable:
            assert rows.taken == RECORDS
            return ShardTable(rows.records)

        return finish

    def commit(self, task: ShardTask, finished: ShardTable, ids: Any) -> ShardReport:
        self.storage.wait(60)
        self.committed.append(task.shard)
        return ShardReport(task.shard, "committed", rows=RECORDS)

    def info(self, alive: float) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        self.hold.set()
        self.storage.set()


@contextmanager
def at_work(job: Job) -> Iterator[PipelineWorker]:
    worker = PipelineWorker(job, ByteBudget(1))
    try:
        yield worker
    finally:
        worker.close()


def reports(worker: PipelineWorker, number: int) -> list[ShardReport]:
    found: list[ShardReport] = []
    end = time.monotonic() + 10
    while len(found) < number and time.monotonic() < end:
        found += worker.poll().done
        time.sleep(0.005)
    return found


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_a_shard_that_failed_is_whole_when_it_is_offered_again_while_the_first_is_still_being_read() -> None:
    job = Job()
    failures = [InfrastructureError("no memory")]

    def fail_once(row: int) -> None:
        if row == 0 and failures:
            raise failures.pop()

    job.scorer.passes = fail_once
    job.hold.clear()
    with at_work(job) as worker:
        worker.offer(ShardTask(3))
        assert [report.retryable for report in reports(worker, 1)] == [True]
        worker.offer(ShardTask(3))
        job.hold.set()
        (report,) = reports(worker, 1)
    assert (report.outcome, report.error) == ("committed", "")
    assert job.committed == [3]


def test_a_cancelled_shard_is_not_committed_and_the_same_shard_offered_later_is() -> None:
    job = Job()
    job.hold.clear()
    with at_work(job) as worker:
        worker.offer(ShardTask(5))
        worker.cancel(5)
        worker.offer(ShardTask(5))
        job.hold.set()
        (report,) = reports(worker, 1)
        until(lambda: not worker.poll().running)
    assert (report.outcome, job.committed) == ("committed", [5])


def test_a_cancelled_shard_leaves_the_worker_without_a_report() -> None:
    job = Job()
    job.hold.clear()
    with at_work(job) as worker:
        worker.offer(ShardTask(5))
        worker.cancel(5)
        job.hold.set()
        until(lambda: not worker.poll().running)
        worker.offer(ShardTask(6))
        assert [report.shard for report in reports(worker, 1)] == [6]
    assert job.committed == [6]


def test_a_worker_whose_commits_stall_takes_no_more_shards_than_it_can_hold() -> None:
    job = Job()
    job.storage.clear()
    with at_work(job) as worker:
        offered = 0

        def offer_what_it_wants() -> int:
            nonlocal offered
            for _ in range(worker.poll().wants):
                worker.offer(ShardTask(offered))
                offered += 1
            return offered

        most = 2 * (64 // RECORDS)
        until(lambda: offer_what_it_wants() >= most)
        time.sleep(0.1)
        assert offer_what_it_wants() == most
        job.storage.set()
        assert {report.outcome for report in reports(worker, offered)} == {"committed"}
        assert worker.poll().wants == 64 // RECORDS


def test_a_worker_takes_two_shards_that_take_long_and_tiny_ones_by_the_handful() -> None:
    slow, quick = Pace(), Pace()
    for shard in range(9):
        slow.note(20.0 * shard)
        # Two in hand: they end together, and then there is a wait for the next two.
        quick.note(0.25 * (shard // 2) + 0.01 * (shard % 2))
    assert (slow.within(0.5), quick.within(0.5), Pace().within(0.5)) == (1, 50, 0)
    with at_work(Job()) as worker:
        assert worker.poll().wants == 2


def test_models_that_storage_did_not_give_are_loaded_for_a_later_shard() -> None:
    job = Job()
    job.hold.clear()
    job.loads = [InfrastructureError("503"), InfrastructureError("503")]
    with at_work(job) as worker:
        until(lambda: len(job.loads) == 1)
        job.hold.set()
        worker.offer(ShardTask(0))
        (failed,) = reports(worker, 1)
        worker.offer(ShardTask(0))
        (done,) = reports(worker, 1)
    assert (failed.outcome, failed.retryable, done.outcome) == ("failed", True, "committed")


def test_a_model_that_is_wrong_fails_every_shard_for_good() -> None:
    job = Job()
    job.loads = [SpecError("it is no model")]
    with at_work(job) as worker:
        worker.offer(ShardTask(0))
        (first,) = reports(worker, 1)
        worker.offer(ShardTask(1))
        (second,) = reports(worker, 1)
    assert [report.error_type for report in (first, second)] == ["SpecError", "SpecError"]
    assert not first.retryable
