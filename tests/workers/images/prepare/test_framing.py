"""crop, pad and channels against transformers, numpy and Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from transformers.image_transforms import center_crop

from schemas.errors import RecordError, SpecError
from tests.support.pictures import noise, picture
from workers.images.prepare.channels import Channels
from workers.images.prepare.crop import Crop
from workers.images.prepare.pad import Pad
from workers.images.steps import parse_steps

SIDES = st.integers(1, 12)


@given(SIDES, SIDES, SIDES, SIDES)
def test_the_middle_equals_transformers_center_crop(height: int, width: int, rows: int, columns: int) -> None:
    pixels = noise(height, width, 3)
    expected = center_crop(pixels, (rows, columns), input_data_format="channels_last")
    np.testing.assert_array_equal(Crop(size=(rows, columns))(picture(pixels)).pixels, expected)


def test_a_small_image_is_padded_with_the_value_or_rejected() -> None:
    pixels = noise(3, 3, dtype="int16")
    padded = Crop(size=(5, 2), pad=-1024)(picture(pixels)).pixels
    assert (padded[0] == -1024).all()
    assert padded.dtype == np.int16
    with pytest.raises(RecordError, match="smaller than 5 x 2"):
        Crop(size=(5, 2), small="reject")(picture(pixels))


def test_a_box_is_cut_out_and_must_lie_inside() -> None:
    pixels = noise(9, 8, 3)
    np.testing.assert_array_equal(Crop(box=(2, 3, 4, 5))(picture(pixels)).pixels, pixels[2:6, 3:8])
    with pytest.raises(RecordError, match="leaves the image"):
        Crop(box=(2, 3, 4, 6))(picture(pixels))


@pytest.mark.parametrize("settings", [{}, {"size": [2, 2], "box": [0, 0, 1, 1]}, {"box": [-1, 0, 1, 1]}, {"size": [2]}])
def test_a_crop_needs_one_sensible_frame(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="crop"):
        parse_steps([{"crop": settings}])


@pytest.mark.parametrize(("mode", "theirs"), [("constant", "constant"), ("edge", "edge"), ("reflect", "reflect")])
@pytest.mark.parametrize("anchor", ["center", "top_left"])
@given(SIDES, SIDES, st.integers(0, 9), st.integers(0, 9))
def test_padding_equals_numpys(
    mode: Any, theirs: Any, anchor: Any, height: int, width: int, below: int, right: int
) -> None:
    pixels = noise(height, width, 2)
    top, left = (below // 2, right // 2) if anchor == "center" else (0, 0)
    widths = [(top, below - top), (left, right - left), (0, 0)]
    expected = np.pad(pixels, widths, mode=theirs)
    result = Pad(to=(height + below, width + right), mode=mode, anchor=anchor)(picture(pixels)).pixels
    np.testing.assert_array_equal(result, expected)


@given(SIDES, SIDES, st.integers(1, 7))
def test_padding_to_a_multiple_or_a_square_adds_as_little_as_it_can(height: int, width: int, many: int) -> None:
    rows, columns = Pad(multiple_of=many)(picture(noise(height, width))).pixels.shape
    assert (rows % many, columns % many) == (0, 0)
    assert 0 <= rows - height < many
    assert 0 <= columns - width < many
    assert Pad(square=True)(picture(noise(height, width))).pixels.shape == (max(height, width),) * 2


def test_padding_rejects_an_image_too_large_and_a_value_that_does_not_fit() -> None:
    with pytest.raises(RecordError, match="larger than 4 x 9"):
        Pad(to=(4, 9))(picture(noise(5, 5)))
    for value in (-1, 256, 0.5):
        with pytest.raises(RecordError, match="cannot hold the pad value"):
            Pad(to=(6, 6), value=value)(picture(noise(5, 5)))


@pytest.mark.parametrize("settings", [{}, {"to": [2, 2], "square": True}, {"multiple_of": 0}])
def test_padding_needs_one_target(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="pad"):
        parse_steps([{"pad": settings}])


def test_luma_of_8_bit_equals_pillows_mode_l_for_every_kind_of_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    expected = (pixels.astype(np.int64) @ [19595, 38470, 7471] + 2**15) >> 16
    result = Channels(to=1)(picture(pixels)).pixels
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(result, np.asarray(Pillow.fromarray(pixels).convert("L")))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_luma_of_other_types_is_the_same_weights(dtype: str) -> None:
    pixels = noise(8, 9, 3, dtype=dtype)
    expected = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
    result = Channels(to=1)(picture(pixels)).pixels
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=0.5 if dtype != "float32" else 1e-3)
    assert result.dtype == dtype


def test_mean_is_the_mean_rounded_half_to_even() -> None:
    pixels = np.array([[[1, 2, 2], [0, 1, 1], [255, 255, 255]]], np.uint8)
    assert Channels(to=1, grey="mean")(picture(pixels)).pixels.tolist() == [[2, 1, 255]]


def test_grey_becomes_three_equal_channels_and_back() -> None:
    for pixels in (noise(5, 6, dtype="int16"), noise(5, 6, 1, dtype="int16")):
        three = Channels(to=3)(picture(pixels))
        np.testing.assert_array_equal(three.pixels, np.repeat(pixels.reshape(5, 6, 1), 3, axis=2))
        np.testing.assert_array_equal(Channels(to=1)(three).pixels, pixels.reshape(5, 6))


def test_alpha_is_dropped_or_laid_on_white_as_pillow_does() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (60, 50, 4), np.uint8)
    dropped = Channels(to=3)(picture(rgba)).pixels
    np.testing.assert_array_equal(dropped, np.asarray(Pillow.fromarray(rgba).convert("RGB")))
    white = Pillow.new("RGBA", (50, 60), (255, 255, 255, 255))
    expected = Pillow.alpha_composite(white, Pillow.fromarray(rgba)).convert("RGB")
    np.testing.assert_array_equal(Channels(to=3, alpha="white")(picture(rgba)).pixels, np.asarray(expected))
    clear_grey = np.dstack([rgba[:, :, 0], np.zeros((60, 50), np.uint8)])
    assert (Channels(to=1, alpha="white")(picture(clear_grey)).pixels == 255).all()
    with pytest.raises(RecordError, match="8 bit"):
        Channels(to=3, alpha="white")(picture(rgba.astype(np.uint16)))


def test_the_order_can_be_reversed() -> None:
    rgb = noise(4, 5, 3)
    np.testing.assert_array_equal(Channels(to=3, order="bgr")(picture(rgb)).pixels, rgb[:, :, ::-1])


def test_more_than_four_channels_are_rejected() -> None:
    with pytest.raises(RecordError, match="1 to 4 channels"):
        Channels(to=1)(picture(noise(4, 4, 5)))
