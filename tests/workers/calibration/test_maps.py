"""Maps as files have them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from workers.calibration.maps import Beta, Isotonic, Platt, Temperature

MAPS = [
    Temperature(temperature=2.5),
    Platt(slope=0.7, intercept=-0.3),
    Platt(of="score", slope=0.7, intercept=-0.3),
    Isotonic(scores=(0.2, 0.4, 0.7), probabilities=(0.1, 0.1, 0.9)),
    Beta(a=0.5, b=1.5, intercept=0.1),
]


@pytest.mark.parametrize("one", MAPS, ids=repr)
def test_a_map_never_falls_and_stays_within_0_and_1(one) -> None:
    found = one.apply(np.linspace(0, 1, 1001))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert 0 <= found[0] <= found[-1] <= 1


@pytest.mark.parametrize("one", MAPS, ids=repr)
def test_no_number_stays_no_number(one) -> None:
    assert np.isnan(one.apply(np.array([0.5, np.nan], np.float32))[1])


def test_isotonic_is_straight_between_its_points_and_level_outside() -> None:
    found = MAPS[3].apply(np.array([0.0, 0.3, 0.55, 1.0]))
    assert found == pytest.approx([0.1, 0.1, 0.5, 0.9])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"scores": (0.1, 0.1), "probabilities": (0.1, 0.2)}, "must ascend"),
        ({"scores": (0.1, 0.2), "probabilities": (0.2, 0.1)}, "not monotone"),
        ({"scores": (0.1, 0.2), "probabilities": (0.2,)}, "as many"),
        ({"scores": (0.1, 0.2), "probabilities": (0.2, 1.1)}, "0 to 1"),
        ({"scores": (0.1, float("nan")), "probabilities": (0.2, 0.3)}, "finite"),
    ],
)
def test_points_that_make_no_rising_line_are_refused(settings, says) -> None:
    with pytest.raises(ValidationError, match=says):
        Isotonic(**settings)


def test_a_map_that_falls_or_has_no_end_is_refused() -> None:
    for made in (
        lambda: Platt(slope=-0.1, intercept=0),
        lambda: Beta(a=-0.1, b=1, intercept=0),
        lambda: Temperature(temperature=0),
        lambda: Temperature(temperature=float("inf")),
    ):
        with pytest.raises(ValidationError):
            made()
