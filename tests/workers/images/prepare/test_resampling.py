from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from workers.images.prepare.pixels import repeated
from workers.images.prepare.resampling import Library, resampled

CHANCE = np.random.default_rng(4)


@pytest.mark.parametrize("library", ["opencv", "pillow"])
def test_halving_by_area_is_the_mean_of_four(library: Library) -> None:
    pixels = np.array([[0, 4, 10, 10], [4, 8, 10, 10]], np.float32)
    assert resampled(pixels, 1, 2, "area", library).tolist() == [[4, 10]]


@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
@pytest.mark.parametrize("library", ["opencv", "pillow"])
def test_each_channel_is_resampled_on_its_own(library: Library, channels: tuple[int, ...]) -> None:
    pixels = CHANCE.integers(0, 256, (6, 9, *channels), dtype=np.uint8)
    found = resampled(pixels, 4, 5, "bilinear", library)
    assert found.shape == (4, 5, *channels)
    for channel in range(channels[0] if channels else 0):
        alone = resampled(np.ascontiguousarray(pixels[..., channel]), 4, 5, "bilinear", library)
        assert np.array_equal(found[..., channel], alone)


def test_pillow_is_pillow_itself() -> None:
    pixels = CHANCE.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    own = Pillow.fromarray(pixels).resize((11, 7), resample=Pillow.Resampling.BICUBIC)
    assert np.array_equal(resampled(pixels, 7, 11, "cubic", "pillow"), np.asarray(own))


@pytest.mark.parametrize(
    ("library", "given", "kept"),
    [
        ("opencv", "uint16", "uint16"),
        ("opencv", "int32", "float32"),
        ("opencv", "bool", "float32"),
        ("pillow", "uint8", "uint8"),
        ("pillow", "int16", "float32"),
    ],
)
def test_a_type_that_a_library_does_not_resample_becomes_float32(library: Library, given: Any, kept: str) -> None:
    assert resampled(np.ones((4, 4), given), 2, 2, "bilinear", library).dtype == kept


def test_an_image_of_the_size_asked_for_is_left_alone() -> None:
    pixels = np.ones((4, 4), np.uint8)
    assert resampled(pixels, 4, 4, "cubic", "opencv") is pixels


def test_grey_as_three_channels_stays_views_of_one_plane() -> None:
    found = resampled(repeated(CHANCE.random((8, 8), np.float32), 3), 4, 4, "bilinear", "opencv")
    assert found.shape == (4, 4, 3)
    assert found.strides[2] == 0
