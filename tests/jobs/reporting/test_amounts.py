from __future__ import annotations

import pytest

from jobs.reporting.amounts import duration, size


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3.2 * 2**30, "3.2 GiB"),
        (2**50, "1.0 PiB"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes_have_the_unit_that_makes_them_short(number: float, said: str) -> None:
    assert size(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (4.24, "4.2 s"),
        (5.0, "5 s"),
        (42.4, "42 s"),
        (60, "1 min 0 s"),
        (190.4, "3 min 10 s"),
        (3599.6, "1 h 0 min"),
        (18_120, "5 h 2 min"),
        (100 * 3600, "100 h 0 min"),
    ],
)
def test_durations_say_the_two_units_that_matter(seconds: float, said: str) -> None:
    assert duration(seconds) == said
