import numpy as np

from tests.workers.statistics.support import rows
from workers.statistics.ranks import merge, rank


def test_ranks_count_the_rows_of_each_class_at_each_score():
    found = rank([0.5, 0.1, 0.5, 0.9], [1, 0, 0, 1])
    assert found.scores.tolist() == [0.1, 0.5, 0.9]
    assert found.positives.tolist() == [0, 1, 1]
    assert found.negatives.tolist() == [1, 1, 0]


def test_ranks_of_parts_merge_to_those_of_the_whole():
    scores, labels = rows(ties=True)
    parts = [rank(scores[start::3], labels[start::3]) for start in range(3)]
    whole, merged = rank(scores, labels), merge(parts)
    for name in ("scores", "positives", "negatives"):
        assert getattr(merged, name).tolist() == getattr(whole, name).tolist()


def test_a_weight_counts_as_so_many_rows():
    scores, labels = rows(50, ties=True)
    weights = np.random.default_rng(2).integers(0, 4, 50).astype(float)
    repeated = np.repeat(np.arange(50), weights.astype(int))
    by_weight, by_rows = rank(scores, labels, weights), rank(scores[repeated], labels[repeated])
    assert by_weight.total_positives == by_rows.total_positives
    assert by_weight.rows == by_rows.rows


def test_a_missing_class_is_said():
    assert rank([0.1], [1]).lacks == "no negative rows"
    assert rank([0.1], [0]).lacks == "no positive rows"
    assert rank([], []).lacks == "no rows"
