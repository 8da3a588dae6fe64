"""The child that scores a few records of a shard, called in this process with what its parent would send."""

import ctypes
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from jobs.execute import worker_job
from jobs.rundir import StageDirectory
from schemas.errors import SpecError, WardroundError
from schemas.run import SIDE_KEY
from schemas.spec import load_spec
from tests.support.runs import run
from tests.support.small_run import write_spec
from workers.children import memory
from workers.finished_runs.documents import existing_run
from workers.pipeline import isolated

_PR_SET_PDEATHSIG = 1
DONE: list[int] = []
"""What each child said at its end of how far it was."""


@pytest.fixture(autouse=True)
def _outlives_its_parent() -> Iterator[None]:
    """What the child asks of the kernel is taken back: this process is no child of a worker."""
    yield
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a worker of a finished run is started with."""
    folder = tmp_path_factory.mktemp("isolated")
    spec = write_spec(folder, str(folder / "out"))
    run(spec.read_text())
    store = open_store(str(folder / "out"))
    return worker_job(StageDirectory(store, "", existing_run(store)), load_spec(spec))


def child(monkeypatch: pytest.MonkeyPatch, job: dict[str, Any], out: Path, indices: list[int], **more: Any) -> int:
    request = {"job": job, "cpus": 1, "gpus": 0, "shard": 1, "sample": [], "parent": os.getppid()}
    page = memory.create(memory.Progress.SIZE)
    request |= {"indices": indices, "together": 1, "out": str(out), "page": page, **more}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(request)))
    try:
        return isolated.main()
    finally:
        DONE.append(memory.Progress(page).read()[0])
        os.close(page)


def left(out: Path) -> pa.Table:
    with pa.OSFile(str(out)) as file:
        return ipc.open_stream(file).read_all()


def test_the_asked_records_are_scored_as_the_run_scored_them(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child(monkeypatch, job, tmp_path / "rows", [1, 3]) == 0
    table = left(tmp_path / "rows")
    committed = pq.read_table(Path(job["run_uri"]) / "predictions" / "shard-000001.parquet").take([1, 3])
    assert table.to_pylist() == committed.to_pylist()
    with pa.OSFile(str(tmp_path / "rows")) as file:
        _, metadata = ipc.open_stream(file).read_next_batch_with_custom_metadata()
    assert metadata[SIDE_KEY] == b"[]"
    assert DONE[-1] == 2


def test_of_a_sample_the_records_are_counted_by_their_place_in_it(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child(monkeypatch, job, tmp_path / "rows", [2, 0], shard=-1, sample=[0, 5, 9]) == 0
    plan = [row["record_id"] for part in range(4) for row in _rows(job, part)]
    assert left(tmp_path / "rows")["record_id"].to_pylist() == [plan[9], plan[0]]


def _rows(job: dict[str, Any], shard: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        Path(job["run_uri"]) / "predictions" / f"shard-{shard:06d}.parquet", columns=["record_id"]
    ).to_pylist()
    return rows


def test_a_model_that_is_gone_is_said_in_one_line_with_the_code_of_its_error_and_no_file(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(job["run_uri"]).parent / "model"
    model.rename(tmp_path / "elsewhere")
    try:
        code = child(monkeypatch, job, tmp_path / "rows", [0])
    finally:
        (tmp_path / "elsewhere").rename(model)
    said = capsys.readouterr().err.splitlines()
    assert code not in (0, WardroundError.exit_code)
    assert said[-1].startswith("wardround: ")
    assert "model" in said[-1]
    assert not (tmp_path / "rows").exists()


def test_a_collection_that_is_not_installed_on_this_node_is_named_with_the_remedy(
    job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert child(monkeypatch, {**job, "room": "nobodys_collection"}, tmp_path / "rows", [0]) == SpecError.exit_code
    assert "'nobodys_collection'" in (said := capsys.readouterr().err)
    assert "install it on every node" in said
