from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.images.prepare.image import Image
from workers.images.prepare.pixels import (
    by_plane,
    filterable,
    fits,
    histogram,
    map_values,
    on_grey,
    repeated,
    rescaled_spacing,
)

CHANCE = np.random.default_rng(5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("side", [3, 300])
def test_a_function_of_every_pixel_is_the_same_by_a_table_and_by_itself(dtype: Any, side: int) -> None:
    pixels = CHANCE.integers(-100, 100, (side, side)).astype(dtype)
    found = map_values(pixels, lambda values: values * 0.5 - 3)
    assert np.array_equal(found, pixels.astype(np.float64) * 0.5 - 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
def test_a_histogram_has_every_value_of_the_type_ascending(dtype: Any) -> None:
    info = np.iinfo(dtype)
    pixels = CHANCE.integers(info.min, info.max, (300, 300), dtype=dtype, endpoint=True)
    found = histogram(pixels)
    assert found is not None
    values, counts = found
    assert np.array_equal(values, np.arange(info.min, info.max + 1))
    met, times = np.unique(pixels, return_counts=True)
    assert np.array_equal(counts[met.astype(int) - info.min], times)
    assert counts.sum() == pixels.size


def test_an_image_smaller_than_its_type_has_no_histogram() -> None:
    assert histogram(np.zeros((16, 16), np.uint8)) is None
    assert histogram(np.zeros((300, 300), np.float32)) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [("uint8", "uint8"), ("int16", "int16"), ("int8", "int16"), ("int32", "float32"), ("float64", "float32")],
)
def test_pixels_become_a_type_that_opencv_filters(given: str, kept: str) -> None:
    assert filterable(np.ones((2, 2), given)).dtype == kept


def test_grey_as_three_channels_is_worked_on_once() -> None:
    seen: list[int] = []

    def double(plane: NDArray[Any]) -> NDArray[Any]:
        seen.append(1)
        return plane * 2

    plane = np.arange(4).reshape(2, 2)
    assert np.array_equal(by_plane(repeated(plane, 3), double), np.stack([plane * 2] * 3, axis=2))
    assert len(seen) == 1
    assert np.array_equal(by_plane(np.stack([plane, plane + 1], axis=2), double)[..., 1], (plane + 1) * 2)
    assert len(seen) == 3


def test_colour_is_given_whole() -> None:
    colour = np.zeros((2, 2, 3))
    assert on_grey(colour, lambda plane: plane, lambda channels: channels + 1).shape == (2, 2, 3)


def test_spacing_grows_where_an_image_shrinks() -> None:
    image = Image(np.zeros((100, 50)), (0, 1), spacing=(0.5, 0.2))
    assert rescaled_spacing(image, 50, 100) == (1.0, 0.1)
    assert rescaled_spacing(Image(np.zeros((4, 4)), (0, 1)), 2, 2) is None


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [(255, "uint8", True), (256, "uint8", False), (-1, "uint8", False), (0.5, "int16", False), (0.5, "float32", True)],
)
def test_an_integer_type_holds_whole_numbers_of_its_range(value: float, dtype: str, expected: bool) -> None:
    assert fits(value, np.dtype(dtype)) is expected
