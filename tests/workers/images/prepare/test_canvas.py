from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import RecordError
from workers.images.prepare.canvas import Anchor, blank, placed
from workers.images.prepare.pad import Pad

ONES = np.ones((2, 3), np.uint8)


def step() -> Pad:
    return Pad(to=(4, 6))


@pytest.mark.parametrize(("anchor", "top", "left"), [("center", 1, 1), ("top_left", 0, 0)])
def test_an_odd_rest_goes_to_the_bottom_and_the_right(anchor: Anchor, top: int, left: int) -> None:
    canvas = placed(step(), ONES, (5, 6), 9, anchor)
    assert canvas.dtype == np.uint8
    assert (canvas[top : top + 2, left : left + 3] == 1).all()
    assert (canvas == 9).sum() == 5 * 6 - 6


def test_pixels_of_the_size_asked_for_are_not_copied() -> None:
    assert placed(step(), ONES, (2, 3), 9, "center") is ONES


def test_a_canvas_has_the_channels_of_the_image() -> None:
    assert blank(step(), np.zeros((1, 1, 3), np.float32), (2, 2), 0.5).shape == (2, 2, 3)


@pytest.mark.parametrize("value", [256, -1, 0.5])
def test_a_value_that_the_pixels_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(RecordError, match=rf"pixels of uint8 cannot hold the pad value {value:g}"):
        placed(step(), ONES, (4, 6), value, "center")
