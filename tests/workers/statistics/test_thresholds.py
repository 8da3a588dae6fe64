import numpy as np
import pytest
from sklearn import metrics

from tests.workers.statistics.support import rows
from workers.statistics import confusion, thresholds
from workers.statistics.confusion import confusion_at
from workers.statistics.ranks import rank


@pytest.fixture(params=[False, True], ids=["distinct", "ties"])
def ranks(request):
    return rank(*rows(ties=request.param))


def _all(ranks, figure):
    return [figure(confusion_at(ranks, score)).value for score in ranks.scores]


def test_youdens_threshold_is_the_best_of_all(ranks):
    chosen = confusion_at(ranks, thresholds.youden(ranks))
    assert confusion.balanced_accuracy(chosen).value == pytest.approx(max(_all(ranks, confusion.balanced_accuracy)))


def test_the_threshold_of_most_accuracy_is_the_best_of_all(ranks):
    chosen = confusion_at(ranks, thresholds.accuracy(ranks))
    assert confusion.accuracy(chosen).value == pytest.approx(max(_all(ranks, confusion.accuracy)))


def test_the_threshold_of_f1_is_the_best_of_all(ranks):
    chosen = confusion_at(ranks, thresholds.f1(ranks))
    assert confusion.f1(chosen).value == pytest.approx(max(_all(ranks, confusion.f1)))


@pytest.mark.parametrize("least", [0.5, 0.9, 0.95, 1.0])
def test_a_sensitivity_is_reached_at_the_highest_threshold_that_reaches_it(ranks, least):
    chosen = thresholds.at_sensitivity(ranks, least)
    above = ranks.scores[ranks.scores > chosen]
    assert confusion.sensitivity(confusion_at(ranks, chosen)).value >= least - 1e-9
    assert all(confusion.sensitivity(confusion_at(ranks, score)).value < least for score in above)


@pytest.mark.parametrize("least", [0.5, 0.9, 0.95])
def test_a_specificity_is_reached_at_the_lowest_threshold_that_reaches_it(ranks, least):
    chosen = thresholds.at_specificity(ranks, least)
    below = ranks.scores[ranks.scores < chosen]
    assert confusion.specificity(confusion_at(ranks, chosen)).value >= least - 1e-9
    assert all(confusion.specificity(confusion_at(ranks, score)).value < least for score in below)


def test_a_specificity_that_the_highest_score_does_not_reach_flags_nothing():
    ranks = rank([0.2, 0.9, 0.9], [0, 0, 1])
    chosen = thresholds.at_specificity(ranks, 1.0)
    assert confusion_at(ranks, chosen).flagged == 0


@pytest.mark.parametrize("most", [0.0, 0.05, 0.5])
def test_no_more_is_flagged_than_was_asked(ranks, most):
    assert confusion_at(ranks, thresholds.at_flagged(ranks, most)).flagged <= most * ranks.rows


def test_a_balanced_threshold_has_the_smallest_difference(ranks):
    counts = confusion_at(ranks, thresholds.balanced(ranks))
    away = abs(confusion.sensitivity(counts).value - confusion.specificity(counts).value)
    right, true = np.array(_all(ranks, confusion.specificity)), np.array(_all(ranks, confusion.sensitivity))
    assert away == pytest.approx(np.abs(true - right).min())


def test_youden_is_scikit_learns_best_point(ranks):
    scores = np.repeat(ranks.scores, (ranks.positives + ranks.negatives).astype(int))
    labels = np.concatenate(
        [np.repeat([1, 0], [int(p), int(n)]) for p, n in zip(ranks.positives, ranks.negatives, strict=True)]
    )
    false, true, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    found = confusion_at(ranks, thresholds.youden(ranks))
    assert 2 * confusion.balanced_accuracy(found).value - 1 == pytest.approx((true - false).max())


@pytest.mark.parametrize("rule", [thresholds.youden, thresholds.accuracy, thresholds.f1, thresholds.balanced])
def test_no_threshold_is_chosen_on_one_class(rule):
    with pytest.raises(ValueError, match="no negative rows"):
        rule(rank([0.2, 0.4], [1, 1]))
