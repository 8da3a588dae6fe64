from hypothesis import given
from hypothesis import strategies as st

from workers.statistics.disclosure import hidden_groups


def test_groups_with_large_counts_are_shown():
    assert hidden_groups({"a": [10, 20], "b": [0, 15]}, 10) == frozenset()


def test_a_small_count_hides_its_group_and_a_second_one():
    assert hidden_groups({"a": [100, 90], "b": [3, 40], "c": [30, 30]}, 10) == {"b", "c"}


def test_the_second_group_is_the_smallest_that_is_left():
    assert hidden_groups({"a": [100], "b": [3], "c": [60], "d": [50]}, 10) == {"b", "d"}


def test_several_small_groups_hide_each_other():
    assert hidden_groups({"a": [100], "b": [6], "c": [7]}, 10) == {"b", "c"}


def test_small_groups_whose_sum_is_small_hide_one_more():
    assert hidden_groups({"a": [100], "b": [2], "c": [3]}, 10) == {"a", "b", "c"}


cells = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=2), st.lists(st.integers(0, 40), min_size=2, max_size=2)
)


@given(cells, st.integers(2, 12))
def test_what_is_shown_and_the_totals_never_give_a_small_count(cells, least):
    hidden = hidden_groups(cells, least)
    for name, counts in cells.items():
        if name not in hidden:
            assert not any(0 < count < least for count in counts)
    if hidden and len(hidden) < len(cells):
        assert len(hidden) > 1
        assert not any(0 < sum(column) < least for column in zip(*(cells[name] for name in hidden), strict=True))
