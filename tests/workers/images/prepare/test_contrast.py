"""clahe, equalise, gamma against OpenCV and scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import exposure

from schemas.errors import RecordError
from tests.support.pictures import noise, picture
from workers.images.prepare.clahe import Clahe
from workers.images.prepare.equalise import Equalise
from workers.images.prepare.gamma import Gamma


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(64, 64), (61, 47), (3, 2), (1, 1)])
def test_clahe_equals_opencvs_with_tiles_by_rows_and_columns(dtype: str, shape: tuple[int, int]) -> None:
    pixels = noise(*shape, dtype=dtype)
    expected = cv2.createCLAHE(3.0, (6, 4)).apply(pixels)
    result = Clahe(clip_limit=3, tiles=(4, 6))(picture(pixels, (0, 100)))
    np.testing.assert_array_equal(result.pixels, expected)
    assert result.value_range == (0, np.iinfo(dtype).max)


def test_clahe_of_a_colour_image_works_on_its_lightness() -> None:
    pixels = noise(40, 44, 3)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(lab[:, :, 0]))
    np.testing.assert_array_equal(Clahe()(picture(pixels)).pixels, cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


@pytest.mark.parametrize("step", [Clahe(), Equalise()])
def test_contrast_steps_say_what_they_do_not_take(step: Clahe | Equalise) -> None:
    for pixels in (noise(9, 9, dtype="int16"), noise(9, 9, dtype="float32")):
        with pytest.raises(RecordError, match="needs uint8 or uint16"):
            step(picture(pixels))
    with pytest.raises(RecordError, match="8 bit"):
        step(picture(noise(9, 9, 3, dtype="uint16")))
    with pytest.raises(RecordError, match="1 or 3 channels"):
        step(picture(noise(9, 9, 4)))


def test_equalisation_of_8_bit_equals_opencvs() -> None:
    pixels = noise(50, 41) // 3
    np.testing.assert_array_equal(Equalise()(picture(pixels)).pixels, cv2.equalizeHist(pixels))


@pytest.mark.parametrize("high", [65535, 4095, 3])
def test_equalisation_of_16_bit_is_scikit_images_stretched_from_its_lowest_value(high: int) -> None:
    pixels = (noise(120, 101, dtype="uint16").astype(np.int64) * high // 65535).astype(np.uint16)
    share = exposure.equalize_hist(pixels) * pixels.size
    lowest = np.count_nonzero(pixels == pixels.min())
    expected = (share - lowest) / (pixels.size - lowest) * 65535
    result = Equalise()(picture(pixels)).pixels
    np.testing.assert_allclose(result, expected, rtol=0, atol=0.51)


@given(hnp.arrays(np.uint8, (6, 7), elements=st.integers(0, 255)))
def test_the_16_bit_formula_is_opencvs_8_bit_formula(pixels: np.ndarray) -> None:
    wide = Equalise()(picture(pixels.astype(np.uint16))).pixels / 65535 * 255
    if len(np.unique(pixels)) > 1:
        np.testing.assert_allclose(wide, cv2.equalizeHist(pixels), rtol=0, atol=0.51)
    else:
        np.testing.assert_array_equal(Equalise()(picture(pixels.astype(np.uint16))).pixels, pixels)


@pytest.mark.parametrize("gamma", [0.4, 1.0, 2.2])
def test_gamma_equals_scikit_images(gamma: float) -> None:
    eight, sixteen, unit = noise(60, 50), noise(60, 50, dtype="uint16"), np.linspace(0, 1, 3000).reshape(60, 50)
    step = Gamma(gamma=gamma)
    np.testing.assert_array_equal(step(picture(eight)).pixels, exposure.adjust_gamma(eight, gamma))
    # scikit-image cuts 16 bit results off where this rounds them.
    np.testing.assert_allclose(
        step(picture(sixteen)).pixels.astype(float), exposure.adjust_gamma(sixteen, gamma), rtol=0, atol=1
    )
    result = step(picture(unit, (0, 1))).pixels
    np.testing.assert_allclose(result, exposure.adjust_gamma(unit, gamma), rtol=0, atol=1e-6)


@given(st.floats(0.1, 8), st.integers(-3000, 0), st.integers(1, 4000))
def test_gamma_keeps_order_and_the_ends_of_the_range(gamma: float, low: int, high: int) -> None:
    pixels = np.arange(low, high + 1, dtype=np.int16)[:, None]
    result = Gamma(gamma=gamma)(picture(pixels, (low, high))).pixels
    assert (np.diff(result[:, 0]) >= 0).all()
    assert (result[0, 0], result[-1, 0]) == (low, high)


def test_gamma_needs_a_range() -> None:
    with pytest.raises(RecordError, match="no range"):
        Gamma(gamma=2)(picture(noise(4, 4, dtype="float32"), (-np.inf, np.inf)))
