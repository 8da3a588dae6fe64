"""Where an object is decoded: in threads what ends soon, in processes that can be killed all else."""

from __future__ import annotations

import gzip
import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from cluster.storage import open_store
from jobs.execute import worker_job
from jobs.rundir import StageDirectory
from schemas.spec import load_spec
from schemas.status import Status
from schemas.work import ShardTask
from tests.support import runs
from tests.support.dicom_files import dataset, settings, stored
from tests.support.small_run import write_spec
from workers.children.child_pool import ChildPool
from workers.children.contract import Request
from workers.finished_runs.documents import existing_run
from workers.images.stages import _is_bounded
from workers.pipeline.factory import open_stage


def written(kind: str, side: int = 16, **options: object) -> bytes:
    sink = io.BytesIO()
    Pillow.new("L", (side, side), 200).save(sink, kind, **options)
    return sink.getvalue()


def with_scans(count: int, side: int) -> bytes:
    """A progressive JPEG of one grey value whose last scan stands there so many times more."""
    data = written("JPEG", side, progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "bounded"),
    [
        (written("PNG"), True),
        (written("JPEG"), True),
        (written("JPEG", progressive=True), True),
        (written("BMP"), True),
        (with_scans(20, 16), True),
        (with_scans(40, 16), False),
        (written("GIF"), False),
        (written("WEBP"), False),
        (written("TIFF"), False),
        (written("JPEG2000"), False),
        (stored(dataset(np.zeros((4, 4), np.uint8))), False),
        (gzip.compress(written("PNG"), mtime=0), False),
        (b"no image", False),
    ],
)
def test_only_what_is_bounded_by_its_pixels_is_decoded_in_threads(data: bytes, bounded: bool) -> None:
    assert _is_bounded(data) is bounded


def test_a_jpeg_of_100_000_scans_is_timed_out_and_its_neighbours_are_decoded() -> None:
    bomb = with_scans(100_000, 2000)
    job = {"input": settings().model_dump(mode="json"), "prepare": [[]]}
    requests = [Request(data, {"members": [None]}) for data in (written("JPEG"), bomb, written("PNG"))]
    with closing(ChildPool("workers.images.handler:build", job, 1, record_timeout_s=0.5)) as pool:
        results = pool.submit(requests).result(60)
    assert [result.status for result in results] == [None, Status.TIMED_OUT, None]


@pytest.mark.parametrize(
    ("limit", "status"), [(None, "ok"), (20 * 24, "ok"), (20 * 24 - 1, "too_large"), (10**9, "ok")]
)
def test_a_worker_refuses_by_the_smaller_of_the_runs_limit_and_todays(
    tmp_path: Path, limit: int | None, status: str
) -> None:
    path = write_spec(tmp_path, str(tmp_path / "out"))
    runs.run(path.read_text())
    store = open_store(str(tmp_path / "out"))
    spec = load_spec(path)
    today = spec if limit is None else spec.model_copy(update={"input": {**spec.input, "max_pixels": limit}})
    stage = open_stage(worker_job(StageDirectory(store, "", existing_run(store)), today), 1, 0)
    try:
        stage.load_models()
        task = ShardTask(0)
        table = stage.score_now(task, stage.records(task).slice(0, 1)).table
    finally:
        stage.close()
    assert table["status"].to_pylist() == [status]
