import numpy as np
import pytest
from sklearn import metrics

from workers.statistics.classes import confusion_table, kappa, macro, one_against_rest


def _labels(number=300, classes=4, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, number)
    said = np.where(generator.random(number) < 0.6, truth, generator.integers(0, classes, number))
    return truth, said


def test_the_table_is_scikit_learns():
    truth, said = _labels()
    table = confusion_table(truth, said, 4)
    assert table.tolist() == metrics.confusion_matrix(truth, said).tolist()
    counts = one_against_rest(table, 2)
    expected = metrics.multilabel_confusion_matrix(truth, said)[2]
    assert [[counts.true_negatives, counts.false_positives], [counts.false_negatives, counts.true_positives]] == (
        expected.tolist()
    )


def test_macro_averages_are_scikit_learns():
    truth, said = _labels()
    found = macro(confusion_table(truth, said, 4))
    expected = metrics.precision_recall_fscore_support(truth, said, average="macro")[:3]
    assert [found.precision.value, found.recall.value, found.f1.value] == pytest.approx(expected)


def test_a_class_without_rows_is_left_out_of_the_averages():
    truth, said = _labels()
    assert macro(confusion_table(truth, said, 7)) == macro(confusion_table(truth, said, 4))


@pytest.mark.parametrize(("power", "weights"), [(0, None), (1, "linear"), (2, "quadratic")])
def test_kappa_is_scikit_learns(power, weights):
    truth, said = _labels()
    found = kappa(confusion_table(truth, said, 4), power)
    assert found.value == pytest.approx(metrics.cohen_kappa_score(truth, said, weights=weights), abs=1e-12)
    assert found.low < found.value < found.high


def test_kappa_has_the_interval_of_fleiss_cohen_and_everitts_example():
    # Fleiss, Cohen and Everitt, Psychological Bulletin 1969;72:323: 200 rows, kappa 0.429, standard error 0.0536.
    table = np.array([[0.53, 0.05, 0.02], [0.11, 0.14, 0.05], [0.01, 0.06, 0.03]]) * 200
    found = kappa(table)
    assert found.value == pytest.approx(0.429, abs=5e-4)
    assert found.width / 2 / 1.959964 == pytest.approx(0.054, abs=1e-3)


def test_rows_of_one_class_have_no_kappa():
    assert kappa(np.array([[5.0, 0], [0, 0]])).value is None
    assert kappa(np.zeros((2, 2))).note == "no rows"
