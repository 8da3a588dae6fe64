import numpy as np
import pytest
from scipy import stats

from tests.workers.statistics.support import rows
from workers.statistics.comparison import mcnemar, paired_delong
from workers.statistics.discrimination import auroc
from workers.statistics.ranks import rank


def _two(number=200, seed=0):
    scores, labels = rows(number, seed)
    return scores, scores + np.random.default_rng(seed + 100).normal(0, 0.1, number), labels


def test_the_difference_is_that_of_the_areas():
    first, second, labels = _two()
    found = paired_delong(first, second, labels)
    expected = auroc(rank(first, labels)).value - auroc(rank(second, labels)).value
    assert found.estimate.value == pytest.approx(expected, abs=1e-12)
    assert found.estimate.low < expected < found.estimate.high


def test_the_variance_is_that_of_the_pairs():
    first, second, labels = _two(60)
    parts = []
    for scores in (first, second):
        positive, negative = scores[labels == 1], scores[labels == 0]
        parts.append((positive[:, None] > negative) + 0.5 * (positive[:, None] == negative))
    away = parts[0] - parts[1]
    variance = away.mean(axis=1).var(ddof=1) / away.shape[0] + away.mean(axis=0).var(ddof=1) / away.shape[1]
    found = paired_delong(first, second, labels)
    assert found.estimate.width == pytest.approx(2 * 1.959964 * np.sqrt(variance), rel=1e-6)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.estimate.value) / np.sqrt(variance)))


def test_a_model_does_not_differ_from_itself():
    first, _, labels = _two()
    found = paired_delong(first, first, labels)
    assert (found.estimate.value, found.p_value) == (0, 1)


def test_equal_models_differ_as_seldom_as_the_level_says():
    values = []
    for seed in range(300):
        generator = np.random.default_rng(seed)
        labels = np.repeat([1, 0], [40, 60])
        truth = generator.normal(size=100) + labels
        noisy = [truth + generator.normal(size=100) for _ in range(2)]
        values.append(paired_delong(*noisy, labels).p_value < 0.05)
    assert 0.02 <= np.mean(values) <= 0.09


def test_one_class_is_said():
    found = paired_delong(np.array([0.1, 0.2]), np.array([0.1, 0.2]), np.array([1, 1]))
    assert (found.estimate.note, found.p_value) == ("no negative rows", None)


@pytest.mark.parametrize("counts", [(0, 0), (3, 3), (10, 2), (0, 7), (25, 40)])
def test_mcnemar_is_the_exact_test_of_scipy(counts):
    first = np.repeat([True, False, True], [counts[0], counts[1], 5])
    second = np.repeat([False, True, True], [counts[0], counts[1], 5])
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == counts
    expected = stats.binomtest(counts[0], sum(counts), 0.5).pvalue if sum(counts) else 1.0
    assert found.p_value == pytest.approx(expected)
