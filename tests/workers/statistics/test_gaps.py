"""Differences between groups against references and by their coverage."""

import numpy as np
import pytest

from workers.statistics.gaps import area_gap, proportion_gap, spread
from workers.statistics.ranks import rank


def test_the_interval_of_a_difference_of_proportions_is_that_of_newcombe():
    # Newcombe, Statistics in Medicine 1998;17:873, table II, row (a) and (g), method 10.
    first = proportion_gap((56, 70), (48, 80))
    assert (first.value, first.low, first.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    last = proportion_gap((10, 10), (0, 10))
    assert (last.value, last.low, last.high) == pytest.approx((1.0, 0.6075, 1.0), abs=5e-5)


def test_the_interval_of_a_difference_of_proportions_covers_what_it_says():
    generator = np.random.default_rng(0)
    draws = zip(generator.binomial(150, 0.8, 1000), generator.binomial(200, 0.65, 1000), strict=True)
    found = [proportion_gap((first, 150), (second, 200)) for first, second in draws]
    assert np.mean([one.low <= 0.15 <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_a_difference_of_areas_covers_what_it_says():
    generator = np.random.default_rng(1)

    def drawn(shift: float):
        truth = np.arange(120) % 2
        return rank(generator.normal(size=120) + shift * truth, truth)

    found = [area_gap(drawn(1.0), drawn(1.0)) for _ in range(1000)]
    assert np.mean([one.low <= 0 <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)


def test_what_a_group_lacks_is_said():
    assert "such rows" in proportion_gap((0, 0), (1, 2)).note
    assert area_gap(rank([0.1], [1]), rank([0.1, 0.2], [0, 1])).note == "a group has no negative rows"


def test_a_spread_needs_two_values():
    assert spread([0.2, None, 0.5]) == pytest.approx(0.3)
    assert spread([0.2, None]) is None
