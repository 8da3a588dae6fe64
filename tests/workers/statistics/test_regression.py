import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from workers.statistics import regression
from workers.statistics.regression import moments


def _pairs(number=300, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.normal(50, 10, number)
    return truth, truth + generator.normal(2, 4, number)


def test_figures_are_those_of_scikit_learn_and_scipy():
    truth, said = _pairs()
    found = moments(truth, said)
    assert regression.mean_absolute_error(found).value == pytest.approx(metrics.mean_absolute_error(truth, said))
    assert regression.root_mean_squared_error(found).value == pytest.approx(
        metrics.root_mean_squared_error(truth, said)
    )
    assert regression.determination(found).value == pytest.approx(metrics.r2_score(truth, said))
    expected = stats.pearsonr(truth, said)
    correlation = regression.pearson(found)
    assert correlation.value == pytest.approx(expected.statistic)
    assert (correlation.low, correlation.high) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)


def test_bias_has_the_interval_of_a_mean_and_limits_are_bland_and_altmans():
    truth, said = _pairs()
    away = said - truth
    found = regression.bias(moments(truth, said))
    assert found.value == pytest.approx(away.mean())
    assert found.width == pytest.approx(2 * 1.959964 * away.std(ddof=1) / np.sqrt(len(away)))
    low, high = regression.limits_of_agreement(moments(truth, said))
    assert (low, high) == pytest.approx(
        (away.mean() - 1.959964 * away.std(ddof=1), away.mean() + 1.959964 * away.std(ddof=1))
    )


def test_lins_concordance_is_its_definition():
    truth, said = _pairs()
    covariance = np.cov(truth, said, ddof=0)
    expected = 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + (truth.mean() - said.mean()) ** 2)
    assert regression.concordance(moments(truth, said)).value == pytest.approx(expected)


def test_moments_of_parts_add_up_to_those_of_the_whole():
    truth, said = _pairs()
    parts = [moments(truth[:7], said[:7]), moments(truth[:0], said[:0]), moments(truth[7:], said[7:])]
    whole, added = moments(truth, said), parts[0] + parts[1] + parts[2]
    for name in ("rows", "mean_truth", "mean_predicted", "truth", "predicted", "product", "absolute"):
        assert getattr(added, name) == pytest.approx(getattr(whole, name), rel=1e-12)


def test_a_truth_that_does_not_vary_is_said():
    found = moments(np.ones(4), np.array([1.0, 2, 3, 4]))
    assert regression.determination(found).note == "the truth does not vary"
    assert regression.pearson(found).value is None


def test_no_rows_are_said():
    nothing = moments(np.zeros(0), np.zeros(0))
    assert regression.bias(nothing).note == "no rows"
    assert regression.mean_absolute_error(nothing).value is None
