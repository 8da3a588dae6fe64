"""Scores against the cohort, held against scikit-learn, numpy and the likelihood itself."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import GammaRegressor, LinearRegression

from workers.genomics.scores.adjust import Block, Blocks, ComponentFit, fit_components, moments

Floats = NDArray[np.float64]
ROWS, COMPONENTS = 3000, 4


@pytest.fixture(scope="module")
def cohort() -> tuple[Floats, Floats]:
    """Components of very unlike spread; scores whose mean and variance follow them, of very unlike size."""
    chance = np.random.default_rng(1)
    components = chance.normal(size=(ROWS, COMPONENTS)) * [3, 2, 1, 0.01] + [0, 5, 0, 0]
    spread = np.exp(0.25 * components[:, :1])
    mean = components @ chance.normal(size=(COMPONENTS, 3))
    return components, (mean + spread * chance.normal(size=(ROWS, 3))) * [1, 1e3, 1e-4]


def cut(components: Floats, scores: Floats, sizes: list[int]) -> Blocks:
    def blocks() -> list[Block]:
        bounds = np.cumsum([0, *sizes, ROWS])
        pairs = itertools.pairwise(bounds)
        return [(components[low:high], scores[low:high]) for low, high in pairs]

    return lambda: iter(blocks())


def standardised(components: Floats) -> Floats:
    return np.asarray((components - components.mean(axis=0)) / components.std(axis=0, ddof=1))


def test_z_is_the_distance_from_the_mean_in_deviations(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort
    scores = scores.copy()
    scores[5, 1] = np.nan
    found = moments(cut(components, scores, [10, 900]))
    assert found.count.tolist() == [ROWS, ROWS - 1, ROWS]
    np.testing.assert_allclose(found.mean, np.nanmean(scores, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.sd, np.nanstd(scores, axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(
        found.z(scores), (scores - np.nanmean(scores, axis=0)) / np.nanstd(scores, axis=0, ddof=1)
    )


def test_the_same_rows_give_the_same_figures_in_whatever_blocks_they_come(cohort: tuple[Floats, Floats]) -> None:
    whole, pieces = fit_components(cut(*cohort, [])), fit_components(cut(*cohort, [1, 0, 777, 1500, 3]))
    assert whole.to_json() == pieces.to_json()
    assert moments(cut(*cohort, [])).mean.tolist() == moments(cut(*cohort, [17, 1000])).mean.tolist()


def test_z_norm1_is_the_residual_of_a_linear_regression_over_its_deviation(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort
    fit = fit_components(cut(components, scores, [1000]))
    for column in range(scores.shape[1]):
        known = standardised(components)
        expected = LinearRegression().fit(known, scores[:, column])
        residual = scores[:, column] - expected.predict(known)
        found = fit.z_norm1(components, scores)[:, column]
        np.testing.assert_allclose(found, residual / residual.std(ddof=1), rtol=0, atol=1e-9)


def test_the_variance_begins_with_the_gamma_regression_of_scikit_learn(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort
    known = standardised(components)
    fit = fit_components(cut(components, scores, []), refit=False)
    for column in (0, 2):
        unit = scores[:, column].std()
        squares = ((scores[:, column] - LinearRegression().fit(known, scores[:, column]).predict(known)) / unit) ** 2
        gamma = GammaRegressor(alpha=0, max_iter=10_000, tol=1e-10, solver="newton-cholesky").fit(known, squares)
        np.testing.assert_allclose(fit.log_variance[1:, column], gamma.coef_, rtol=0, atol=1e-6)
        np.testing.assert_allclose(fit.log_variance[0, column] - 2 * np.log(unit), gamma.intercept_, rtol=0, atol=1e-6)


def test_mean_and_variance_together_are_where_the_likelihood_has_no_slope(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort
    fit = fit_components(cut(components, scores, []))
    design = np.column_stack([np.ones(ROWS), standardised(components)])
    for column in range(scores.shape[1]):
        deviation = np.exp(design @ fit.log_variance[:, column] / 2)
        z = (scores[:, column] - design @ fit.joint_mean[:, column]) / deviation
        np.testing.assert_allclose(fit.z_norm2(components, scores)[:, column], z, rtol=0, atol=1e-12)
        assert abs(design.T @ (z**2 - 1)).max() / ROWS < 1e-9
        assert abs(design.T @ (z / deviation)).max() * deviation.mean() / ROWS < 1e-9


def test_groups_that_differ_in_mean_and_spread_are_alike_afterwards() -> None:
    chance = np.random.default_rng(2)
    group = np.repeat([0, 1, 2], 1000)
    components = np.eye(3)[group][:, :2] + chance.normal(size=(ROWS, 2)) * 0.01
    scores = (np.array([0.0, 3.0, -2.0])[group] + np.array([1.0, 0.5, 2.0])[group] * chance.normal(size=ROWS))[:, None]
    found = fit_components(cut(components, scores, [])).z_norm2(components, scores)[:, 0]
    for number in range(3):
        assert abs(found[group == number].mean()) < 0.1
        assert abs(found[group == number].std() - 1) < 0.1


def test_samples_without_components_and_scores_that_do_not_vary_get_none(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort[0].copy(), cohort[1].copy()
    components[7, 2] = np.nan
    scores[:, 1] = 4.0
    scores[:, 2] = np.nan
    fit = fit_components(cut(components, scores, [100]))
    for found in (fit.z_norm1(components, scores), fit.z_norm2(components, scores)):
        assert np.isnan(found[:, 1:]).all()
        assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [7]
    without = np.delete(np.arange(ROWS), 7)
    alone = fit_components(lambda: iter([(components[without], scores[without])]))
    np.testing.assert_allclose(
        alone.z_norm2(components, scores)[without, 0], fit.z_norm2(components, scores)[without, 0]
    )


def test_components_that_say_the_same_change_nothing(cohort: tuple[Floats, Floats]) -> None:
    components, scores = cohort
    doubled = np.column_stack([components, components[:, 0] * 2, np.ones(ROWS)])
    plain = fit_components(cut(components, scores, [])).z_norm2(components, scores)
    np.testing.assert_allclose(fit_components(cut(doubled, scores, [])).z_norm2(doubled, scores), plain, atol=1e-8)


def test_a_fit_comes_back_from_json_as_it_was(cohort: tuple[Floats, Floats]) -> None:
    fit = fit_components(cut(*cohort, []))
    back = ComponentFit.from_json(json.loads(json.dumps(fit.to_json())))
    assert (back.z_norm2(*cohort) == fit.z_norm2(*cohort)).all()
