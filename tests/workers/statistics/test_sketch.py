import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.statistics.support import rows
from workers.statistics.discrimination import auroc, tie_error
from workers.statistics.ranks import rank
from workers.statistics.sketch import ScoreSketch

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def sketch_of(scores, labels, cuts=1, bits=22):
    whole = ScoreSketch(bits)
    for part in range(cuts):
        one = ScoreSketch(bits)
        one.add(scores[part::cuts], labels[part::cuts])
        whole.merge(one)
    return whole


@given(st.lists(floats, min_size=1, max_size=50))
def test_bins_keep_the_order_of_any_numbers(values):
    scores = np.array(values, np.float32)
    found = sketch_of(scores, np.ones(len(scores), int)).ranks()
    assert (np.diff(found.scores) >= 0).all()
    assert found.total_positives == len(values)


def test_the_same_rows_give_the_same_sketch_however_they_are_cut():
    scores, labels = rows(5000)
    one, many = sketch_of(scores, labels).ranks(), sketch_of(scores, labels, cuts=7).ranks()
    assert one.positives.tolist() == many.positives.tolist()
    assert one.negatives.tolist() == many.negatives.tolist()
    assert one.scores == pytest.approx(many.scores, rel=1e-12)


@pytest.mark.parametrize("bits", [12, 16, 22])
def test_the_area_of_a_sketch_is_within_the_error_that_it_states(bits):
    scores, labels = rows(20000)
    exact = auroc(rank(scores.astype(np.float32), labels)).value
    found = sketch_of(scores, labels, cuts=3, bits=bits).ranks()
    stated = tie_error(found)
    assert abs(auroc(found).value - exact) <= stated + 1e-12
    assert stated < {12: 0.05, 16: 0.003, 22: 1e-4}[bits]


def test_zero_and_minus_zero_are_one_score():
    found = sketch_of(np.array([-0.0, 0.0], np.float32), np.array([1, 0])).ranks()
    assert len(found.scores) == 1


def test_sketches_of_other_bins_are_refused():
    with pytest.raises(ValueError, match="other bins"):
        ScoreSketch(12).merge(ScoreSketch(16))
