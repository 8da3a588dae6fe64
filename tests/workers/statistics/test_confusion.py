import math

import pytest
from sklearn import metrics

from tests.workers.statistics.support import rows
from workers.statistics import confusion
from workers.statistics.confusion import Confusion, confusion_at, predictive_values_at
from workers.statistics.ranks import rank


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0, 2.0])
def test_a_score_at_the_threshold_counts_as_positive(threshold):
    scores, labels = rows(ties=True)
    found = confusion_at(rank(scores, labels), threshold)
    tn, fp, fn, tp = metrics.confusion_matrix(labels, scores >= threshold).ravel()
    assert found == Confusion(tp, fp, fn, tn)


def test_figures_are_those_of_scikit_learn():
    scores, labels = rows()
    said = scores >= 0.4
    found = confusion_at(rank(scores, labels), 0.4)
    expected = {
        "sensitivity": metrics.recall_score(labels, said),
        "specificity": metrics.recall_score(labels, said, pos_label=0),
        "ppv": metrics.precision_score(labels, said),
        "npv": metrics.precision_score(labels, said, pos_label=0),
        "accuracy": metrics.accuracy_score(labels, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, said),
        "f1": metrics.f1_score(labels, said),
        "mcc": metrics.matthews_corrcoef(labels, said),
        "flagged": said.mean(),
    }
    ratios = metrics.class_likelihood_ratios(labels, said)
    expected |= {"positive_likelihood_ratio": ratios[0], "negative_likelihood_ratio": ratios[1]}
    assert {name: figure(found).value for name, figure in confusion.FIGURES.items()} == pytest.approx(expected)


def test_likelihood_ratios_have_simels_interval():
    # Simel, Samsa and Matchar, J Clin Epidemiol 1991;44:763: sensitivity 0.8 and specificity 0.73, 100 rows each.
    found = confusion.positive_likelihood_ratio(Confusion(80, 27, 20, 73))
    spread = 1.96 * math.sqrt(0.2 / 80 + 0.73 / 27)
    assert found.value == pytest.approx(80 / 27)
    assert found.low == pytest.approx(found.value * math.exp(-spread), rel=1e-4)
    assert found.high == pytest.approx(found.value * math.exp(spread), rel=1e-4)


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Confusion(0, 0, 5, 5), {"ppv", "mcc", "positive_likelihood_ratio"}),
        (Confusion(5, 5, 0, 0), {"npv", "mcc", "negative_likelihood_ratio"}),
        (Confusion(5, 0, 5, 0), {"specificity", "balanced_accuracy", "mcc"}),
        (Confusion(0, 5, 0, 5), {"sensitivity", "balanced_accuracy", "mcc"}),
        (Confusion(0, 0, 0, 0), set(confusion.FIGURES)),
    ],
)
def test_what_is_not_defined_has_no_value_and_says_why(counts, undefined):
    found = {name: figure(counts) for name, figure in confusion.FIGURES.items()}
    assert {name for name in undefined if found[name].value is not None} == set()
    assert all(part.note for part in found.values() if part.value is None)


def test_predictive_values_at_the_prevalence_of_the_rows_are_those_of_the_rows():
    counts = Confusion(40, 30, 10, 120)
    found = predictive_values_at(counts, counts.positives / counts.rows)
    assert found == pytest.approx((confusion.ppv(counts).value, confusion.npv(counts).value))


def test_predictive_values_follow_bayes():
    # Sensitivity 0.9, specificity 0.95 at 0.5 %.
    ppv, npv = predictive_values_at(Confusion(90, 5, 10, 95), 0.005)
    assert ppv == pytest.approx(0.0045 / (0.0045 + 0.04975))
    assert npv == pytest.approx(0.94525 / (0.94525 + 0.0005))


def test_predictive_values_of_one_class_are_refused():
    with pytest.raises(ValueError, match="both classes"):
        predictive_values_at(Confusion(5, 0, 5, 0), 0.1)
