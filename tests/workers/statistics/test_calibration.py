import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from tests.workers.statistics.support import rows
from workers.statistics import calibration
from workers.statistics.estimate import quantile
from workers.statistics.logistic import expit, logit
from workers.statistics.ranks import rank


def _risks(number=4000, seed=0, slope=1.0, shift=0.0):
    """Probabilities, and outcomes that come true with another risk: its logit is `shift + slope * logit`."""
    generator = np.random.default_rng(seed)
    scores = expit(generator.normal(-1, 1, number))
    return scores, (generator.random(number) < expit(shift + slope * logit(scores))).astype(int)


def test_brier_is_scikit_learns():
    scores, labels = rows()
    found = calibration.brier(rank(scores, labels))
    assert found.value == pytest.approx(brier_score_loss(labels, scores), abs=1e-12)
    assert found.low < found.value < found.high


def test_slope_is_that_of_scikit_learns_regression():
    scores, labels = _risks()
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(scores)[:, None], labels)
    assert calibration.slope(rank(scores, labels)).value == pytest.approx(model.coef_[0, 0], abs=1e-6)


def test_the_intercept_makes_expected_and_observed_equal():
    scores, labels = _risks(shift=0.7)
    shift = calibration.intercept(rank(scores, labels)).value
    assert expit(logit(scores) + shift).sum() == pytest.approx(labels.sum(), abs=1e-6)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, 0.0), (1.0, 0.8), (2.0, -0.5)])
def test_a_planted_miscalibration_is_found(slope, shift):
    found = calibration.slope(rank(*_risks(slope=slope, shift=shift)))
    assert found.low < slope < found.high
    if slope == 1:
        large = calibration.intercept(rank(*_risks(shift=shift)))
        assert large.low < shift < large.high


def test_the_interval_of_the_slope_covers_as_often_as_it_says():
    found = [calibration.slope(rank(*_risks(500, seed))) for seed in range(300)]
    assert 0.92 <= np.mean([one.low <= 1 <= one.high for one in found]) <= 0.98


def test_observed_by_expected_of_a_table():
    scores, labels = np.full(100, 0.2), np.repeat([1, 0], [30, 70])
    found = calibration.observed_by_expected(rank(scores, labels))
    assert found.value == pytest.approx(1.5)
    # Debray et al., BMJ 2017;356:i6460: the variance of log(O/E) is (1 - share) / O.
    assert found.high / found.value == pytest.approx(np.exp(1.959964 * np.sqrt(0.7 / 30)))


def test_the_smooth_curve_follows_a_planted_one():
    scores, labels = _risks(60_000, slope=0.6, shift=0.3)
    curve = calibration.smooth_curve(rank(scores, labels))
    true = expit(0.3 + 0.6 * logit(curve.predicted))
    assert np.abs(curve.observed - true).max() < 0.03
    assert np.mean((curve.low <= true) & (true <= curve.high)) > 0.8


def test_the_distance_of_the_curve_is_that_of_the_planted_one():
    scores, labels = _risks(60_000, shift=0.8)
    expected = np.abs(expit(0.8 + logit(scores)) - scores).mean()
    assert calibration.integrated_calibration_index(rank(scores, labels)).value == pytest.approx(expected, abs=0.01)


def test_groups_have_about_as_many_rows_and_all_of_them():
    mean, share, number = calibration.grouped(rank(*_risks(1000)), 10)
    assert number.sum() == 1000
    assert number.min() >= 99
    assert (np.diff(mean) > 0).all()
    assert ((share >= 0) & (share <= 1)).all()


def test_scores_of_0_and_1_are_no_error():
    found = calibration.slope(rank([0.0, 0.2, 0.7, 1.0, 0.4, 0.0], [0, 1, 0, 1, 1, 1]))
    assert found.value is not None
    assert np.isfinite(found.value)


def test_separated_classes_have_no_slope_and_say_so():
    found = calibration.slope(rank([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))
    assert found.value is None
    assert "separate" in found.note


@pytest.mark.parametrize("figure", [calibration.intercept, calibration.slope, calibration.integrated_calibration_index])
def test_one_class_has_no_calibration_and_says_so(figure):
    found = figure(rank([0.1, 0.2], [0, 0]))
    assert (found.value, found.note) == (None, "no positive rows")


def test_few_distinct_scores_carry_no_curve():
    assert calibration.smooth_curve(rank([0.1, 0.9, 0.1, 0.9], [0, 1, 1, 0])) is None


def test_the_interval_of_the_brier_score_is_as_wide_as_is_asked_for():
    ranks = rank([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])
    wide, narrow = (calibration.brier(ranks, level).width for level in (0.99, 0.9))
    assert wide is not None
    assert narrow is not None
    assert wide / narrow == pytest.approx(quantile(0.99) / quantile(0.9))
