from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.support.dicom_files import dataset, settings, stored
from workers.children.contract import Handler
from workers.images.handler import build

FRAMES = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)
OTHER = FRAMES + 100


def handler(**changes: Any) -> Handler:
    return build({"input": settings(**changes).model_dump(mode="json"), "prepare": [[]]})


def dicom(frames: np.ndarray) -> memoryview:
    return memoryview(stored(dataset(frames, NumberOfFrames=len(frames))))


def npz(frames: np.ndarray) -> memoryview:
    buffer = BytesIO()
    np.savez_compressed(buffer, frames)
    return memoryview(buffer.getvalue())


def tiff(frames: np.ndarray) -> memoryview:
    buffer = BytesIO()
    tifffile.imwrite(buffer, frames, photometric="minisblack")
    return memoryview(buffer.getvalue())


def arrays(handle: Handler, data: memoryview, members: list[int], name: str | None) -> list[list[list[int]]]:
    found, _ = handle(data, {"members": members, "object": name})
    return [array.tolist() for array in found]


@pytest.mark.parametrize("write", [dicom, npz, tiff])
def test_an_object_with_a_name_is_opened_once_for_all_requests(write: Any) -> None:
    handle = handler()
    assert arrays(handle, write(FRAMES), [0, 3], "first") == FRAMES[[0, 3]].tolist()
    # Under the same name other bytes are not looked at.
    assert arrays(handle, write(OTHER), [4], "first") == FRAMES[[4]].tolist()
    assert arrays(handle, write(OTHER), [4], "second") == OTHER[[4]].tolist()


def test_an_object_without_a_name_is_opened_for_each_request() -> None:
    handle = handler()
    assert arrays(handle, dicom(FRAMES), [1], None) == FRAMES[[1]].tolist()
    assert arrays(handle, dicom(OTHER), [1], None) == OTHER[[1]].tolist()


def test_one_frame_that_fails_leaves_the_others() -> None:
    _, meta = handler()(dicom(FRAMES), {"members": [0, 99, 2], "object": "x"})
    assert ["status" in member for member in meta["members"]] == [False, True, False]
