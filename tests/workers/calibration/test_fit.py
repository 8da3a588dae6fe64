"""Fitted maps against the libraries that fit the same ones in another way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from workers.calibration.fit import fit_map, mapped
from workers.calibration.maps import Beta, Isotonic, Platt, Temperature
from workers.statistics.ranks import Ranks, rank

GRID = np.linspace(0.001, 0.999, 500)


def risks(number: int = 3000, seed: int = 0, slope: float = 0.5, shift: float = 0.4, ties: bool = False):
    """Scores, and labels that come true with another risk: its logit is `shift + slope * logit(score)`."""
    generator = np.random.default_rng(seed)
    scores = expit(generator.normal(-0.5, 1.5, number))
    scores = np.clip(np.round(scores, 2), 0.01, 0.99) if ties else scores
    return scores, (generator.random(number) < expit(shift + slope * logit(scores))).astype(np.int64)


class _Line(ClassifierMixin, BaseEstimator):
    """A classifier whose decision is its only feature."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> _Line:
        """It has nothing to learn."""
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """The feature."""
        return features[:, 0]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Its sign."""
        return (features[:, 0] > 0).astype(int)


@pytest.mark.parametrize("ties", [False, True])
def test_temperature_is_where_scipy_finds_the_least_loss(ties: bool) -> None:
    scores, labels = risks(ties=ties)
    signs = np.where(labels == 1, -1, 1)
    least = minimize_scalar(lambda beta: np.logaddexp(0, signs * beta * logit(scores)).sum(), (0.1, 1), tol=1e-14)
    found = fit_map("temperature", rank(scores, labels))
    assert isinstance(found, Temperature)
    assert found.temperature == pytest.approx(1 / least.x, abs=1e-6)
    assert found.apply(GRID) == pytest.approx(expit(logit(GRID) * least.x), abs=1e-6)


def test_platt_is_the_sigmoid_of_scikit_learn() -> None:
    scores, labels = risks()
    features = logit(scores)[:, None]
    line = FrozenEstimator(_Line().fit(features, labels))
    model = CalibratedClassifierCV(line, method="sigmoid").fit(features, labels)
    expected = model.predict_proba(logit(GRID)[:, None])[:, 1]
    assert fit_map("platt", rank(scores, labels)).apply(GRID) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_platt_is_where_scipy_finds_the_least_loss_of_platts_targets(ties: bool) -> None:
    scores, labels = risks(ties=ties)
    yes, no = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    x = logit(scores)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        at = line[0] + line[1] * x
        wrong = expit(at) - targets
        return float((np.logaddexp(0, at) - targets * at).sum()), np.array([wrong.sum(), wrong @ x])

    least = minimize(loss, [0.0, 1.0], jac=True, method="BFGS", options={"gtol": 1e-9})
    found = fit_map("platt", rank(scores, labels))
    assert isinstance(found, Platt)
    assert (found.intercept, found.slope) == pytest.approx(tuple(least.x), abs=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_isotonic_is_that_of_scikit_learn(ties: bool) -> None:
    scores, labels = risks(ties=ties)
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)
    found = fit_map("isotonic", rank(scores, labels))
    assert isinstance(found, Isotonic)
    levels = np.array(model.y_thresholds_)
    ends = [1 / (2 + (model.predict(scores) == pure).sum()) for pure in (0, 1)]
    inside = levels[(levels > 0) & (levels < 1)]
    levels[levels == 0] = min(ends[0], inside.min())
    levels[levels == 1] = max(1 - ends[1], inside.max())
    assert found.apply(GRID) == pytest.approx(np.interp(GRID, model.X_thresholds_, levels), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=2, max_size=60))
def test_isotonic_is_never_sure_never_falls_and_moves_no_other_level(rows: list[tuple[int, int]]) -> None:
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(labels.tolist())) < 2:
        return
    found = fit_map("isotonic", rank(scores / 20, labels))
    assert isinstance(found, Isotonic)
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores / 20, labels)
    plain, ours = model.predict(scores / 20), found.apply(scores / 20)
    assert 0 < ours.min() <= ours.max() < 1
    assert (np.diff(found.probabilities) >= 0).all()
    pure = (plain == 0) | (plain == 1)
    assert ours[~pure] == pytest.approx(plain[~pure], abs=1e-9)
    assert (np.abs(ours - plain)[pure] <= 1 / (pure.sum() + 2) + 1 / 3).all()


@pytest.mark.parametrize("ties", [False, True])
def test_beta_is_a_logistic_regression_on_both_logarithms(ties: bool) -> None:
    scores, labels = risks(ties=ties)
    features = np.stack([np.log(scores), -np.log(1 - scores)], axis=1)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(features, labels)
    found = fit_map("beta", rank(scores, labels))
    assert isinstance(found, Beta)
    assert (found.a, found.b) == pytest.approx(tuple(model.coef_[0]), abs=1e-6)
    assert found.intercept == pytest.approx(model.intercept_[0], abs=1e-6)


def test_beta_leaves_a_coefficient_out_that_would_fall() -> None:
    generator = np.random.default_rng(0)
    scores = generator.uniform(0.01, 0.99, 20_000)
    labels = (generator.random(20_000) < expit(1 + 1.5 * np.log(scores) + 0.4 * np.log(1 - scores))).astype(int)
    free = np.stack([np.log(scores), -np.log(1 - scores)], axis=1)
    assert LogisticRegression(C=np.inf).fit(free, labels).coef_[0, 1] < 0
    alone = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky").fit(free[:, :1], labels)
    found = fit_map("beta", rank(scores, labels))
    assert isinstance(found, Beta)
    assert (found.a, found.b) == pytest.approx((alone.coef_[0, 0], 0), abs=1e-6)


def test_a_score_that_is_no_probability_is_the_logit_itself() -> None:
    scores, labels = risks()
    through = fit_map("platt", rank(scores, labels))
    assert fit_map("platt", rank(logit(scores), labels), probability=False).apply(logit(GRID)) == pytest.approx(
        through.apply(GRID), abs=1e-9
    )


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic", "beta"])
def test_rows_counted_by_score_give_the_same_map_as_rows_one_by_one(method) -> None:
    scores, labels = risks(600, ties=True)
    counted = rank(scores, labels)
    one_by_one = Ranks(*(values[np.argsort(scores)] for values in (scores, labels == 1.0, labels == 0.0)))
    if method != "isotonic":
        assert fit_map(method, counted).apply(GRID) == pytest.approx(fit_map(method, one_by_one).apply(GRID), abs=1e-9)
    assert mapped(counted, fit_map(method, counted)).total_positives == labels.sum()


@pytest.mark.parametrize("method", ["temperature", "platt", "beta"])
def test_scores_that_rank_the_wrong_way_round_have_no_map(method) -> None:
    scores, labels = risks(slope=-1.0)
    with pytest.raises(ValueError, match="right way round"):
        fit_map(method, rank(scores, labels))


@pytest.mark.parametrize("method", ["temperature", "beta"])
def test_separated_classes_have_no_map_and_say_which_method_has(method) -> None:
    with pytest.raises(ValueError, match="choose method platt or isotonic"):
        fit_map(method, rank([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))


def test_platt_has_an_end_where_classes_are_separated() -> None:
    found = fit_map("platt", rank([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))
    assert 0 < found.apply(np.array([0.1]))[0] < 0.5 < found.apply(np.array([0.9]))[0] < 1


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic", "beta"])
def test_one_class_has_no_map(method) -> None:
    with pytest.raises(ValueError, match="no positive rows"):
        fit_map(method, rank([0.1, 0.2], [0, 0]))


def test_scores_above_one_are_no_probabilities() -> None:
    with pytest.raises(ValueError, match="probability: false"):
        fit_map("platt", rank([0.1, 1.2], [0, 1]))
