"""Arrays of a network as files."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

from schemas.errors import RecordError, SpecError
from schemas.outputs import OutputField
from workers.images.formats.side_files import encode


def field(kind: str, may_be_nan: bool = False) -> OutputField:
    fold = "concat" if kind.startswith("list") else "first"
    return OutputField(name="map", type=kind, meaning="test", over_frames=fold, may_be_nan=may_be_nan)


def test_an_array_is_read_back_as_it_was() -> None:
    arrays = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(0, 2, 1)
    for array, body in zip(arrays, encode(field("object<npy>"), arrays), strict=True):
        np.testing.assert_array_equal(np.load(io.BytesIO(body)), array)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_mask_is_a_grey_png(kind: type[np.generic]) -> None:
    arrays = np.arange(40).astype(kind).reshape(2, 1, 4, 5)
    for array, body in zip(arrays, encode(field("object<png>"), arrays), strict=True):
        np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED), array[0])


def test_the_same_array_gives_the_same_bytes() -> None:
    arrays = np.repeat(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), 2, axis=0)
    for kind in ("object<npy>", "object<png>"):
        first, second = encode(field(kind), arrays)
        assert first == second


@pytest.mark.parametrize("array", [np.zeros((1, 3, 4), np.float32), np.zeros((1, 3, 4, 4), np.uint8)])
def test_what_is_no_grey_image_is_no_png(array: np.ndarray) -> None:
    with pytest.raises(SpecError, match="declare the output as object<npy>"):
        encode(field("object<png>"), array)


@pytest.mark.parametrize("kind", ["object<dcm>", "list<object<npy>>"])
def test_other_files_are_refused_with_those_that_are_known(kind: str) -> None:
    with pytest.raises(SpecError, match="known: object<npy>, object<png>"):
        encode(field(kind), np.zeros((1, 2), np.float32))


def test_nan_is_refused_where_none_is_promised() -> None:
    arrays = np.array([[np.nan, 1.0]], np.float32)
    with pytest.raises(RecordError, match="not a number"):
        encode(field("object<npy>"), arrays)
    assert len(encode(field("object<npy>", may_be_nan=True), arrays)) == 1
