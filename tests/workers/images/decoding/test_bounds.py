from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.bounds import check_pixels, wanted_frames


def test_the_limit_counts_samples_of_all_frames_and_may_be_met() -> None:
    check_pixels(10, 10, 3, 2, limit=600)
    with pytest.raises(RecordError, match="more than 599 pixels") as caught:
        check_pixels(10, 10, 3, 2, limit=599)
    assert caught.value.status == Status.TOO_LARGE


@pytest.mark.parametrize("size", [(0, 5, 1, 1), (5, -5, 1, 1), (5, 5, 0, 1), (5, 5, 1, 0), (-5, -5, 1, 1)])
def test_an_image_without_area_is_unreadable(size: tuple[int, int, int, int]) -> None:
    with pytest.raises(RecordError, match="no area") as caught:
        check_pixels(*size, limit=1000)
    assert caught.value.status == Status.UNREADABLE


@pytest.mark.parametrize(
    ("frame", "frames", "expected"),
    [
        ("first", 5, [0]),
        ("middle", 1, [0]),
        ("middle", 2, [1]),
        ("middle", 4, [2]),
        ("middle", 5, [2]),
        ("all", 3, [0, 1, 2]),
    ],
)
def test_the_settings_pick_frames_counted_from_zero(frame: Any, frames: int, expected: list[int]) -> None:
    assert list(wanted_frames(frames, settings(frame=frame), None)) == expected


def test_a_planned_frame_wins_over_the_settings() -> None:
    assert list(wanted_frames(9, settings(frame="all"), 8)) == [8]


@pytest.mark.parametrize("frame", [-1, 3])
def test_a_planned_frame_that_is_gone_means_the_input_changed(frame: int) -> None:
    with pytest.raises(RecordError, match=f"frame {frame} was planned, and there are 3") as caught:
        wanted_frames(3, settings(), frame)
    assert caught.value.status == Status.INPUT_CHANGED
