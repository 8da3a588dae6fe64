"""npy and npz files against numpy."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import Decoded, decode
from workers.images.decoding.numpy_files import decode_npy, inflated_npz, read_npy_header

PIXELS = np.arange(24 * 30, dtype=np.int32).reshape(24, 30)


def npy(array: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npz(**arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def ok(data: bytes, **changes: Any) -> Decoded:
    decoded = decode(data, settings(**changes))
    assert decoded.error is None, decoded.error
    return decoded


def refusal(data: bytes) -> Status:
    error = decode(data, settings()).error
    assert error is not None
    return error.status


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["|u1", "|i1", "<u2", ">u2", "<i2", ">i4", "<u4", "<f4", ">f8"])
def test_an_array_is_itself_in_native_order(dtype: str, order: Any) -> None:
    array = np.asarray(PIXELS % 128, dtype=dtype, order=order)
    found = ok(npy(array)).frames[0]
    np.testing.assert_array_equal(found.pixels, array)
    assert found.pixels.dtype == np.dtype(dtype).newbyteorder("=")
    assert found.pixels.flags.writeable
    assert found.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "dtype", "value_range"),
    [
        (PIXELS > 5, "uint8", (0, 1)),
        (PIXELS.astype(np.float16), "float32", (-np.inf, np.inf)),
        (PIXELS.astype(np.int64), "int32", (-np.inf, np.inf)),
        (PIXELS.astype(np.uint64) << 30, "float64", (-np.inf, np.inf)),
        (PIXELS.astype(np.uint16), "uint16", (0, 65535)),
    ],
)
def test_types_that_no_step_knows_become_ones_that_hold_them(
    array: NDArray[Any], dtype: str, value_range: tuple[float, float]
) -> None:
    found = ok(npy(array)).frames[0]
    np.testing.assert_array_equal(found.pixels, array)
    assert found.pixels.dtype == dtype
    assert found.value_range == value_range


@pytest.mark.parametrize(
    ("shape", "frames", "frame_shape"),
    [
        ((24, 30), 1, (24, 30)),
        ((24, 30, 1), 1, (24, 30, 1)),
        ((24, 30, 3), 1, (24, 30, 3)),
        ((24, 30, 5), 24, (30, 5)),
        ((7, 24, 30), 7, (24, 30)),
        ((7, 24, 30, 3), 7, (24, 30, 3)),
    ],
)
def test_axes_are_frames_rows_columns_channels(
    shape: tuple[int, ...], frames: int, frame_shape: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    every = ok(npy(array), frame="all")
    assert every.n_frames == frames
    assert {frame.pixels.shape for frame in every.frames} == {frame_shape}
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in every.frames]).reshape(shape), array)


@pytest.mark.parametrize(
    "data", [npz(anything=PIXELS), npz(image=PIXELS, label=PIXELS[:2]), npz(arr_0=PIXELS, arr_1=PIXELS[:2])]
)
def test_an_npz_file_gives_its_image(data: bytes) -> None:
    np.testing.assert_array_equal(ok(data).frames[0].pixels, PIXELS)


@pytest.mark.parametrize(
    "data",
    [
        npz(left=PIXELS, right=PIXELS),
        npy(PIXELS.astype(complex)),
        npy(np.array(["a", "b"]).reshape(1, 2)),
        npy(PIXELS[0]),
        npy(PIXELS.reshape(2, 3, 4, 30)),
        npy(PIXELS.reshape(2, 3, 2, 2, 30)),
        npy(np.full((3, 3), 2**62)),
    ],
)
def test_what_is_no_image_is_unsupported(data: bytes) -> None:
    assert refusal(data) is Status.UNSUPPORTED


def test_an_array_without_area_or_without_its_end_is_unreadable() -> None:
    assert refusal(npy(PIXELS[:0])) is Status.UNREADABLE
    assert refusal(npy(PIXELS)[:-1]) is Status.UNREADABLE


def test_the_pixels_do_not_refer_to_the_bytes_given() -> None:
    data = bytearray(npy(PIXELS))
    found = decode(memoryview(data), settings()).frames[0].pixels
    data[200:] = bytes(len(data) - 200)
    np.testing.assert_array_equal(found, PIXELS)


@pytest.mark.parametrize(
    ("shape", "frames", "frame_shape"),
    [
        ((4, 5), 1, (4, 5)),
        ((4, 5, 3), 1, (4, 5, 3)),
        ((9, 4, 5), 9, (4, 5)),
        ((2, 4, 5, 3), 2, (4, 5, 3)),
        ((4, 5, 4), 1, (4, 5, 4)),
        ((4, 5, 5), 4, (5, 5)),
    ],
)
def test_axes_are_frames_rows_columns_and_at_most_four_channels(
    shape: tuple[int, ...], frames: int, frame_shape: tuple[int, ...]
) -> None:
    data = npy(np.zeros(shape, np.uint8))
    header = read_npy_header(io.BytesIO(data))
    assert (header.frames, header.frame_shape, header.has_frame_axis) == (frames, frame_shape, frames > 1)
    found, count = decode_npy(data, settings(frame="all"), None)
    assert (len(found), count, found[0].pixels.shape) == (frames, frames, frame_shape)


def test_the_image_of_several_arrays_is_the_one_called_so() -> None:
    other, image = np.zeros((2, 2), np.uint8), np.ones((3, 3), np.uint8)
    for arrays in ({"other": other, "image": image}, {"arr_0": image, "other": other}, {"only": image}):
        found, _ = decode_npy(inflated_npz(npz(**arrays), settings()), settings(), None)
        assert found[0].pixels.shape == (3, 3)
    with pytest.raises(RecordError, match="several arrays, none called image or arr_0"):
        inflated_npz(npz(a=other, b=image), settings())
