"""Lengths of time are understood as pytimeparse does, which es-aces uses."""

from __future__ import annotations

import pytest

from workers.ehr.aces.durations import SECOND, microseconds

SECONDS = {
    "24h": 86_400,
    "1 days 2 hours 3 minutes 4 seconds": 93_784,
    "1 day, 14:20:16": 138_016,
    "365 days": 31_536_000,
    "2w3d": 1_468_800,
    "2 wks/1h": 1_213_200,
    "1.5h": 5_400,
    "4.1m": 246,
    "0.3333h": 1_199,
    "1:24": 84,
    ":22": 22,
    "1:02:03:04": 93_784,
    "100:00:00": 360_000,
    "7 D": 604_800,
    "1.2 seconds": 1.2,
}


@pytest.mark.parametrize("text", SECONDS)
def test_a_length_of_time_is_that_of_pytimeparse(text: str) -> None:
    assert microseconds(text) == SECONDS[text] * SECOND


@pytest.mark.parametrize("text", ["", ".", "5", "1y", "2 months", "1.2.3h", "1 h 2 h", "24 hour ago", "-3h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time"):
        microseconds(text)
