import numpy as np
import pytest

from workers.statistics.bootstrap import bootstrap


def _mean(values):
    return lambda weights: float(np.average(values, weights=weights))


def test_the_interval_of_a_mean_is_about_the_normal_one():
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap(np.arange(400), _mean(values), draws=2000)
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_rows_of_one_person_are_drawn_together():
    values = np.repeat(np.random.default_rng(0).normal(size=100), 4)
    alone = bootstrap(np.arange(400), _mean(values))
    together = bootstrap(np.repeat(np.arange(100), 4), _mean(values))
    assert together.width == pytest.approx(2 * alone.width, rel=0.15)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(50.0)
    first, second = (bootstrap(np.arange(50), _mean(values), draws=50, seed=7) for _ in range(2))
    assert first == second


def test_resamples_without_the_figure_are_counted():
    def figure(weights):
        return float("nan") if weights[0] == 0 else 1.0

    found = bootstrap(np.arange(3), figure, draws=200)
    assert "of 200 resamples have no such figure" in found.note


def test_no_interval_is_told_where_no_resample_has_the_figure():
    found = bootstrap(np.arange(3), lambda weights: 1.0 if (weights == 1).all() else float("nan"), draws=1, seed=1)
    assert (found.low, found.high) == (None, None)
