from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.errors import RecordError
from workers.images.decoding.native import native_frame
from workers.images.decoding.pixel_module import PixelModule


def module(rows: int, columns: int, bits: int, samples: int = 1, frames: int = 1, **changes: Any) -> PixelModule:
    photometric = changes.pop("photometric", "MONOCHROME2" if samples == 1 else "RGB")
    keyword = changes.pop("keyword", "PixelData")
    return PixelModule(keyword, rows, columns, samples, frames, bits, bits, False, photometric, **changes)


@pytest.mark.parametrize("index", range(10))
@pytest.mark.parametrize("little", [True, False])
def test_frames_of_single_bits_follow_each_other_without_padding(index: int, little: bool) -> None:
    bits = np.random.default_rng(3).integers(0, 2, (10, 21, 22), np.uint8)
    packed = np.packbits(bits.reshape(-1), bitorder="little")
    packed = np.append(packed, np.zeros(len(packed) % 2, np.uint8))
    if not little:
        packed = packed.reshape(-1, 2)[:, ::-1].reshape(-1)
    data = memoryview(packed.tobytes())
    found = native_frame(data, module(21, 22, 1, frames=10), index, little=little, words=True)
    np.testing.assert_array_equal(found, bits[index])


@pytest.mark.parametrize(("kind", "bits"), [("u2", 16), ("u4", 32)])
@pytest.mark.parametrize("little", [True, False])
def test_values_are_in_the_byte_order_of_the_file(kind: str, bits: int, little: bool) -> None:
    values = np.arange(2 * 3 * 5).reshape(2, 3, 5) * 999
    data = memoryview(values.astype(("<" if little else ">") + kind).tobytes())
    found = native_frame(data, module(3, 5, bits, frames=2), 1, little=little, words=True)
    np.testing.assert_array_equal(found, values[1])
    assert found.dtype == np.dtype(kind)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_bytes_written_as_big_endian_words_stand_in_swapped_pairs(index: int) -> None:
    values = np.arange(3 * 3 * 5, dtype=np.uint8).reshape(3, 3, 5)
    padded = np.append(values.reshape(-1), np.uint8(0))
    data = memoryview(padded.reshape(-1, 2)[:, ::-1].tobytes())
    grey = module(3, 5, 8, frames=3)
    np.testing.assert_array_equal(native_frame(data, grey, index, little=False, words=True), values[index])
    plain = memoryview(padded.tobytes())
    np.testing.assert_array_equal(native_frame(plain, grey, index, little=False, words=False), values[index])


@pytest.mark.parametrize("planar", [True, False])
def test_colours_lie_by_pixel_or_by_plane(planar: bool) -> None:
    values = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    written = np.moveaxis(values, -1, 1) if planar else values
    colour = module(4, 5, 8, samples=3, frames=2, planar=planar)
    found = native_frame(memoryview(written.tobytes()), colour, 1, little=True, words=False)
    np.testing.assert_array_equal(found, values[1])


def test_two_pixels_share_their_colours_in_422() -> None:
    data = memoryview(bytes([10, 20, 100, 200, 30, 40, 101, 201]))
    shared = module(1, 4, 8, samples=3, photometric="YBR_FULL_422")
    found = native_frame(data, shared, 0, little=True, words=False)
    assert found.tolist() == [[[10, 100, 200], [20, 100, 200], [30, 101, 201], [40, 101, 201]]]


@pytest.mark.parametrize(
    ("keyword", "kind", "bits"), [("FloatPixelData", "f4", 32), ("DoubleFloatPixelData", "f8", 64)]
)
@pytest.mark.parametrize("little", [True, False])
def test_floats_are_floats(keyword: str, kind: str, bits: int, little: bool) -> None:
    values = np.linspace(-1, 1, 6).reshape(2, 3).astype(("<" if little else ">") + kind)
    found = native_frame(
        memoryview(values.tobytes()), module(2, 3, bits, keyword=keyword), 0, little=little, words=False
    )
    np.testing.assert_array_equal(found, values)
    assert found.dtype == np.dtype(kind)


def test_a_frame_that_is_not_all_there_is_unreadable() -> None:
    with pytest.raises(RecordError, match="fewer bytes"):
        native_frame(memoryview(bytes(59)), module(3, 5, 16, frames=2), 1, little=True, words=False)
