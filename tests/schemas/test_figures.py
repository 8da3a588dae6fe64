"""Figures of parts are added to those of the whole, and name nobody."""

from __future__ import annotations

import pytest

from schemas.figures import MOST_VALUES, SEVERAL, Figures, Group, Groups, add_by_model, add_counts
from schemas.numbers import BINS, Numbers


def groups(**records: int) -> Groups:
    """Values with so many `ok` records, each of several subjects."""
    made = (Group(value=value, subject=SEVERAL, statuses={"": {"ok": count}}) for value, count in records.items())
    return Groups(groups=tuple(made))


def test_values_of_two_parts_are_added_and_stand_in_order() -> None:
    found = groups(b=2, c=1).added(groups(a=3, b=4))
    assert [(group.value, group.records) for group in found.groups] == [("a", 3), ("b", 6), ("c", 1)]


def test_a_column_of_more_values_than_are_counted_is_not_counted_in_any_sum() -> None:
    many = {f"v{number}": 1 for number in range(MOST_VALUES)}
    assert not groups(**many).too_many
    assert groups(**many).added(groups(one_more=1)) == Groups(too_many=True)
    assert Groups(too_many=True).added(groups(a=1)) == Groups(too_many=True)


def test_a_value_of_few_records_or_of_one_subject_is_not_named() -> None:
    of_one = Group(value="p7", subject="d1", statuses={"": {"ok": 9}})
    unknown = Group(value="x", subject="", statuses={"": {"ok": 5}})
    null = Group(value=None, subject=SEVERAL, statuses={"": {"missing": 1}})
    found = groups(often=5, rare=4).added(Groups(groups=(of_one, unknown, null))).anonymous()
    assert [group.value for group in found.groups] == ["often", "x", None]
    assert (found.unnamed, found.rest) == (2, {"": {"ok": 13}})
    assert all(group.subject == "" for group in found.groups)


def test_two_subjects_of_one_value_are_several() -> None:
    one, other = (Groups(groups=(Group(value="a", subject=who, statuses={"": {"ok": 1}}),)) for who in ("d1", "d2"))
    assert one.added(one).groups[0].subject == "d1"
    assert one.added(other).groups[0].subject == SEVERAL


def test_numbers_far_apart_share_wide_intervals() -> None:
    near = Numbers(values=1, sum=1.0, lowest=1.0, highest=1.0, exponent=-23, first=1 << 23, counts=(1,))
    far = Numbers(values=1, sum=1e30, lowest=1e30, highest=1e30, exponent=76, first=13235, counts=(1,))
    both = near.added(far)
    assert (both.values, both.lowest, both.highest) == (2, 1.0, 1e30)
    assert len(both.counts) <= BINS
    assert sum(both.counts) == 2


def test_nothing_added_to_numbers_leaves_them() -> None:
    some = Numbers(values=1, sum=1.0, lowest=1.0, highest=1.0, exponent=-23, first=1 << 23, counts=(1,))
    assert some.added(Numbers()) == Numbers().added(some) == some
    assert Numbers(not_finite=2).added(some).not_finite == 2
    assert (Numbers().mean, Numbers().quantile(0.5)) == (None, None)


def test_a_sum_beyond_what_a_float_holds_is_not_known() -> None:
    most = Numbers(values=1, sum=1.7e308, lowest=1.7e308, highest=1.7e308, exponent=1000, first=15, counts=(1,))
    assert most.added(most).sum is None
    assert most.added(most).mean is None


@pytest.mark.parametrize("empty", [Figures(), Figures(outputs={"score": Numbers()})])
def test_figures_survive_json(empty: Figures) -> None:
    some = Figures(outputs={"score": Numbers(values=3, counts=(1, 0, 2), lowest=0.0, highest=2.0, exponent=0)})
    both = some.added(empty)
    assert Figures.model_validate_json(both.model_dump_json()) == both


def test_counts_are_added_largest_first() -> None:
    assert list(add_counts([{"a": 1}, None, {"b": 2, "a": 2}]).items()) == [("a", 3), ("b", 2)]
    assert add_by_model([{"m": {"ok": 1}}, {"m": {"ok": 2}, "n": {"missing": 1}}]) == {
        "m": {"ok": 3},
        "n": {"missing": 1},
    }
