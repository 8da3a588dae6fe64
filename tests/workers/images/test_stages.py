"""Where an object is decoded: in threads what ends soon, in processes that can be killed all else."""

from __future__ import annotations

import gzip
import io
from contextlib import closing

import numpy as np
import pytest
from PIL import Image as Pillow

from schemas.status import Status
from tests.support.dicom_files import dataset, settings, stored
from workers.children.child_pool import ChildPool
from workers.children.contract import Request
from workers.images.stages import _is_bounded


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
