"""Contrast steps on colour: hues stay, since only the lightness changes."""

import cv2
import numpy as np
import pytest

from schemas.errors import RecordError
from tests.support.pictures import noise, picture
from workers.contract import Array
from workers.images.prepare.equalise import Equalise
from workers.images.prepare.lightness import on_lightness


def brighter(channel: Array) -> Array:
    """Half of what is left to white. Keeps what it was given."""
    assert channel.flags.c_contiguous
    assert channel.ndim == 2
    top = np.iinfo(channel.dtype).max
    return (channel + (top - channel) // 2).astype(channel.dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_one_channel_is_given_as_it_is_and_keeps_its_axes(dtype: str) -> None:
    grey = noise(6, 5, dtype=dtype)
    for pixels in (grey, grey[:, :, None], grey[::-1, ::-1]):
        found = on_lightness(Equalise(), picture(pixels, (0, 100)), brighter)
        assert found.pixels.shape == pixels.shape
        np.testing.assert_array_equal(found.pixels.squeeze(), brighter(np.ascontiguousarray(pixels.squeeze())))
        assert found.value_range == (0, np.iinfo(dtype).max)


def test_of_colours_the_lightness_alone_changes() -> None:
    pixels = noise(8, 9, 3)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = brighter(np.ascontiguousarray(lab[:, :, 0]))
    found = on_lightness(Equalise(), picture(pixels), brighter).pixels
    np.testing.assert_array_equal(found, cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def test_grey_in_three_channels_stays_grey() -> None:
    grey = np.repeat(np.arange(0, 250, 10, dtype=np.uint8).reshape(5, 5, 1), 3, axis=2)
    found = on_lightness(Equalise(), picture(grey), brighter).pixels.astype(int)
    assert np.ptp(found, axis=2).max() <= 1


def test_the_given_pixels_are_not_written_to() -> None:
    pixels = noise(8, 9, 3)
    before = pixels.copy()
    on_lightness(Equalise(), picture(pixels), brighter)
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (noise(4, 4, dtype="float32"), "needs uint8 or uint16 pixels, has float32: put `to_uint8` or `cast` before it"),
        (noise(4, 4, 3, dtype="uint16"), "colour needs 8 bit pixels: put `to_uint8` before it"),
        (noise(4, 4, 2), "needs 1 or 3 channels, has 2: put `channels` before it"),
    ],
)
def test_what_it_does_not_take_says_which_step_goes_before_it(pixels: Array, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        on_lightness(Equalise(), picture(pixels), brighter)
