import math

import numpy as np
import pytest
from sklearn import metrics

from tests.workers.statistics.support import rows
from workers.statistics.discrimination import (
    auroc,
    average_precision,
    clustered_variance,
    delong_variance,
    precision_recall_curve,
    roc_curve,
    tie_error,
)
from workers.statistics.ranks import rank


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_areas_are_those_of_scikit_learn(seed, ties):
    scores, labels = rows(seed=seed, ties=ties)
    found = rank(scores, labels)
    assert auroc(found).value == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(found).value == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_delongs_variance_is_that_of_its_definition(ties):
    scores, labels = rows(80, ties=ties)
    positive, negative = scores[labels == 1], scores[labels == 0]
    pairs = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    expected = pairs.mean(axis=1).var(ddof=1) / len(positive) + pairs.mean(axis=0).var(ddof=1) / len(negative)
    assert delong_variance(rank(scores, labels)) == pytest.approx(expected, rel=1e-12)


def test_the_interval_of_the_area_stays_between_0_and_1_and_holds_the_area():
    found = auroc(rank([0.1, 0.2, 0.3, 0.4, 0.35], [0, 0, 1, 1, 0]))
    assert 0 < found.low < found.value < found.high < 1


def test_a_perfect_area_has_no_interval_and_says_so():
    found = auroc(rank([0.1, 0.9], [0, 1]))
    assert found.value == 1
    assert (found.low, found.high) == (None, None)
    assert "edge" in found.note


def test_one_class_only_is_said_and_is_no_number():
    assert auroc(rank([0.1, 0.9], [1, 1])).value is None
    assert average_precision(rank([0.1, 0.9], [0, 0])).note == "no positive rows"


def _covered(draws: int) -> float:
    generator = np.random.default_rng(5)
    true = 0.5 * (1 + math.erf(1 / 2))  # two normals, one apart: Phi(1 / sqrt 2)
    held = 0
    for _ in range(draws):
        labels = np.repeat([1, 0], [40, 80])
        found = auroc(rank(generator.normal(size=120) + labels, labels))
        held += found.low <= true <= found.high
    return held / draws


def test_the_interval_of_the_area_covers_as_often_as_it_says():
    assert 0.92 <= _covered(400) <= 0.98


@pytest.mark.long
def test_the_interval_of_the_area_covers_as_often_as_it_says_in_many_draws():
    assert 0.935 <= _covered(4000) <= 0.965


def test_rows_in_clusters_of_one_have_about_delongs_variance():
    scores, labels = rows(600)
    found = rank(scores, labels)
    assert clustered_variance(found, scores, labels, np.arange(600)) == pytest.approx(delong_variance(found), rel=0.01)


def test_rows_that_repeat_count_once():
    scores, labels = rows(300)
    single = delong_variance(rank(scores, labels))
    twice, both = np.tile(scores, 2), np.tile(labels, 2)
    clustered = clustered_variance(rank(twice, both), twice, both, np.tile(np.arange(300), 2))
    assert clustered == pytest.approx(single, rel=0.02)
    assert delong_variance(rank(twice, both)) == pytest.approx(single / 2, rel=0.02)


def test_a_class_in_one_cluster_has_no_variance():
    found = rank([0.1, 0.2, 0.3], [1, 1, 0])
    assert clustered_variance(found, np.array([0.1, 0.2, 0.3]), np.array([1, 1, 0]), np.array([0, 0, 1])) == math.inf


@pytest.mark.parametrize("points", [20, 10_000])
def test_curves_run_from_corner_to_corner(points):
    found = rank(*rows(2000))
    false, true = roc_curve(found, points)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()
    recall, precision = precision_recall_curve(found, points)
    assert recall[-1] == 1
    assert precision[-1] == pytest.approx(found.total_positives / found.rows)
    assert len(false) <= max(points + 1, 0) or points > 2000


def test_the_whole_curve_is_scikit_learns():
    scores, labels = rows(200, ties=True)
    false, true = roc_curve(rank(scores, labels))
    expected = metrics.roc_curve(labels, scores, drop_intermediate=False)
    assert false == pytest.approx(expected[0])
    assert true == pytest.approx(expected[1])


def test_exact_ranks_have_no_error_of_ties():
    assert tie_error(rank(*rows(ties=True))) == 0
