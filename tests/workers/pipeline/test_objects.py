"""Side objects of single records inside a worker: the same whoever makes them, and of nobody who has no outputs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from cluster.storage import open_store
from cluster.storage.local import LocalStore
from cluster.storage.retry import Backoff
from jobs.execute import worker_job
from jobs.rundir import StageDirectory
from schemas.spec import load_spec
from schemas.work import ShardTask
from tests.support.heat import make_heat_model
from tests.support.runs import run
from tests.support.small_run import write_spec
from workers.finished_runs.run import finished_run
from workers.finished_runs.side import SideObjectRef
from workers.pipeline import objects
from workers.pipeline.factory import open_stage
from workers.pipeline.kinds import SideObject
from workers.pipeline.objects import ObjectWriter, RecordNames
from workers.pipeline.stage import StageJob


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec of a run that is complete."""
    folder = tmp_path_factory.mktemp("objects")
    make_heat_model(folder / "heat")
    path = write_spec(folder, str(folder / "out"))
    path.write_text(path.read_text().replace(f"{folder / 'model'}", f"{folder / 'heat'}"))
    run(path.read_text())
    return path


@pytest.fixture
def job(spec: Path) -> Iterator[StageJob]:
    """The stage of that run in a worker, its models loaded."""
    store = open_store(str(spec.parent / "out"))
    stage = StageDirectory(store, "", finished_run(store).run)
    opened = open_stage(worker_job(stage, load_spec(spec)), 1, 0)
    opened.load_models()
    yield opened
    opened.close()


def everything(spec: Path) -> list[str]:
    return sorted(str(path) for path in (spec.parent / "out").rglob("*"))


def test_a_shard_that_is_scored_again_vouches_for_what_lies_there(spec: Path, job: StageJob) -> None:
    before = everything(spec)
    task = ShardTask(1)
    again = job.score_now(task, job.records(task))
    assert again.vouched == finished_run(job.context.store).stage.side_objects(1)
    assert everything(spec) == before


def test_a_sample_writes_nothing(spec: Path, job: StageJob) -> None:
    before = everything(spec)
    task = ShardTask(-1, sample=(0, 1, 7))
    scored = job.score_now(task, job.records(task))
    assert scored.vouched == []
    assert scored.table["heat"].null_count == 0
    assert everything(spec) == before


def test_children_of_an_isolated_shard_write_the_same_and_tell_of_it(
    spec: Path, job: StageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(spec)
    task = ShardTask(0, "isolate")
    ids = job.records(task)["record_id"].to_pylist()
    monkeypatch.setenv("WARDROUND_CRASH_AT", f"forward.record:1:{ids[2]}")
    scored = job.isolate(task, job.records(task))
    assert scored.table["status"].to_pylist() == ["ok", "ok", "crashed_worker", "ok"]
    assert scored.table["heat"].is_null().to_pylist() == [False, False, True, False]
    stage = finished_run(job.context.store).stage
    lost = set(stage.rows(0, ["heat", "mask"]).slice(2, 1).to_pylist()[0].values())
    assert scored.vouched == [ref for ref in stage.side_objects(0) if ref.key not in lost]
    assert everything(spec) == before


class SlowStore(LocalStore):
    """Writes nothing until it is told to."""

    def __init__(self, root: str) -> None:
        super().__init__(root, Backoff(1))
        self.told = threading.Event()

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        self.told.wait(60)
        return super().put_if_absent(key, body, metadata)


def test_no_more_bytes_wait_for_storage_than_may(
    tmp_path: Path, job: StageJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_WAITING_BYTES", 100)
    store = SlowStore(str(tmp_path))
    monkeypatch.setattr(job.context, "store", store)
    writer = ObjectWriter(job.context)
    given: list[Future[SideObjectRef]] = []

    def give() -> None:
        for number in range(20):
            given.append(writer.write(SideObject(f"objects/heat/{number}.npy", bytes(30))))

    device = threading.Thread(target=give)
    device.start()
    device.join(0.5)
    assert len(given) == 4
    store.told.set()
    device.join(20)
    assert [future.result().bytes for future in given] == [30] * 20
    writer.close()


def test_a_name_proves_whose_record_it_is_of(job: StageJob) -> None:
    stage = finished_run(job.context.store).stage
    names = RecordNames(stage)
    keys = [ref.key for ref in stage.side_objects(0)]
    assert all(names.has(key) for key in keys)
    assert not names.has(keys[0].replace("/000000/", "/000001/"))
    assert not names.has(keys[0].replace("/000000/", "/000099/"))
    assert not names.has("stages/other/" + keys[0])
    assert not names.has("predictions/shard-000000.parquet")
