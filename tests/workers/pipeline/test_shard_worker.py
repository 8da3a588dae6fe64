"""A worker of whole shards: what it computes is committed as planned, and a shard that fails leaves it alive."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.rundir import StageDirectory
from schemas.errors import InfrastructureError
from schemas.rows import stage_columns
from schemas.status import Status
from schemas.work import ShardReport, ShardTask
from tests.support.open_stages import context_of, opened
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows
from workers.pipeline.shard_worker import ShardWorker

pytestmark = pytest.mark.timeout(30)
COLUMNS = stage_columns("predict", ("length", "int64", "characters of the record's name"))
IDS = ["a", "bb", "ccc", "dddd", "eeeee"]


class Lengths(ShardStage):
    """The length of each record's name. Waits at `hold`, and first raises what `errors` holds."""

    def __init__(self, context: StageContext) -> None:
        self.context = context
        self.computed: list[int] = []
        self.errors: list[Exception] = []
        self.core_seconds: float | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.closed = False

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        self.hold.wait(60)
        self.computed.append(shard)
        if self.errors:
            raise self.errors.pop(0)
        lengths = [len(name) for name in records["record_id"].to_pylist()]
        table = build_rows(records, self.context.layout, {"length": lengths}, [Status.OK] * len(lengths))
        side = [SideObject(f"side/{shard}.txt", f"shard {shard}".encode())]
        return ShardTable(table, side, seconds={"own": 7.0}, core_seconds=self.core_seconds)

    def close(self) -> None:
        self.closed = True
        self.hold.set()


@contextmanager
def at_work(stage: StageDirectory, cpus: float = 1) -> Iterator[tuple[ShardWorker, Lengths]]:
    context = context_of(stage, cpus)
    lengths = Lengths(context)
    worker = ShardWorker(context, lengths)
    try:
        yield worker, lengths
    finally:
        worker.close()


@pytest.fixture
def stage(tmp_path: Path) -> StageDirectory:
    return opened(tmp_path, IDS, COLUMNS, kind="shards")


def reports(worker: ShardWorker, number: int) -> dict[int, ShardReport]:
    found: dict[int, ShardReport] = {}
    end = time.monotonic() + 10
    while len(found) < number and time.monotonic() < end:
        found.update({report.shard: report for report in worker.poll().done})
        time.sleep(0.002)
    return found


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    assert condition()


def test_every_offered_shard_is_committed_with_its_side_objects(stage: StageDirectory, tmp_path: Path) -> None:
    with at_work(stage) as (worker, _):
        for shard in range(3):
            worker.offer(ShardTask(shard))
        found = reports(worker, 3)
        assert worker.poll().records_done == 5
    assert [(found[shard].outcome, found[shard].rows) for shard in range(3)] == [
        ("committed", 2),
        ("committed", 2),
        ("committed", 1),
    ]
    assert found[2].statuses == {"ok": 1}
    assert found[0].seconds["own"] == 7.0
    assert set(found[0].seconds) == {"own", "compute", "commit"}
    written = [pq.read_table(tmp_path / f"predictions/shard-00000{shard}.parquet") for shard in range(3)]
    assert [table["length"].to_pylist() for table in written] == [[1, 2], [3, 4], [5]]
    assert (tmp_path / "side/2.txt").read_text() == "shard 2"
    assert sorted(stage.committed()) == [0, 1, 2]


def test_a_shard_that_fails_is_told_as_such_and_the_next_one_is_done(stage: StageDirectory) -> None:
    with at_work(stage) as (worker, lengths):
        lengths.errors = [InfrastructureError("the disk is gone"), KeyError("content of a record")]
        for shard in range(3):
            worker.offer(ShardTask(shard))
        found = reports(worker, 3)
    assert (found[0].outcome, found[0].error, found[0].retryable) == ("failed", "the disk is gone", True)
    assert (found[1].outcome, found[1].retryable) == ("failed", False)
    assert "internal error KeyError at test_shard_worker.py" in found[1].error
    assert "content" not in found[1].error
    assert found[2].outcome == "committed"


def test_a_sample_is_refused_as_shards_are_computed_whole(stage: StageDirectory) -> None:
    with at_work(stage) as (worker, lengths):
        worker.offer(ShardTask(-1, sample=(0, 1)))
        report = reports(worker, 1)[-1]
    assert (report.outcome, lengths.computed) == ("failed", [])
    assert "asked for a sample" in report.error


def test_it_wants_two_shards_and_no_more_while_the_first_is_computed(stage: StageDirectory) -> None:
    with at_work(stage) as (worker, lengths):
        lengths.hold.clear()
        assert worker.poll().wants == 2
        worker.offer(ShardTask(0))
        assert worker.poll().wants == 1
        worker.offer(ShardTask(1))
        assert worker.poll().wants == 0
        lengths.hold.set()
        reports(worker, 2)
        assert worker.poll().wants == 2


def test_a_shard_cancelled_before_it_is_computed_is_never_computed(stage: StageDirectory, tmp_path: Path) -> None:
    with at_work(stage) as (worker, lengths):
        lengths.hold.clear()
        worker.offer(ShardTask(0))
        worker.offer(ShardTask(1))
        worker.cancel(1)
        lengths.hold.set()
        assert set(reports(worker, 1)) == {0}
        until(lambda: not worker.poll().running)
    assert lengths.computed == [0]
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["shard-000000.parquet"]


def test_processor_time_is_what_the_stage_says_of_its_own_threads(stage: StageDirectory) -> None:
    before = time.monotonic()
    with at_work(stage, cpus=3) as (worker, lengths):
        made = time.monotonic()
        lengths.core_seconds = 12.5
        worker.offer(ShardTask(0))
        reports(worker, 1)
        asked = time.monotonic()
        info = worker.poll().info
        assert 3 * (asked - made) <= info["core_seconds_given"] <= 3 * (time.monotonic() - before)
    assert info["core_seconds_used"] == 12.5


def test_closing_closes_the_stage_and_drops_what_waits(stage: StageDirectory) -> None:
    with at_work(stage) as (worker, lengths):
        lengths.hold.clear()
        for shard in range(3):
            worker.offer(ShardTask(shard))
    assert lengths.closed
    assert 2 not in lengths.computed


def test_of_long_shards_it_wants_one_as_the_next_is_for_another_worker(tmp_path: Path) -> None:
    with at_work(opened(tmp_path, IDS, COLUMNS, kind="long")) as (worker, lengths):
        lengths.hold.clear()
        assert worker.poll().wants == 1
        worker.offer(ShardTask(0))
        assert worker.poll().wants == 0
        lengths.hold.set()
        reports(worker, 1)
        assert worker.poll().wants == 1
