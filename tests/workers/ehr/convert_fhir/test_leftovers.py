from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ehr.convert_fhir.leftovers import (
    ANOTHER_CODING,
    NO_RULE,
    ONE_OF_SEVERAL,
    Reasons,
    left_over,
    name_of_path,
    shape_of,
    tree_of,
)

RESOURCE = {
    "status": "final",
    "code": {"coding": [{"code": "a", "version": "1"}, {"code": "b"}], "text": "t"},
    "category": [{"text": "one"}, {"text": "two"}],
    "a patient's name": 1,
}
PATHS = [("status",), ("code", "coding", 0, "code"), ("category", 0, "text")]


def test_what_no_path_leads_to_is_left_over_as_high_up_as_it_is_whole() -> None:
    assert list(left_over(RESOURCE, tree_of(PATHS))) == [
        ("code.coding.version", NO_RULE),
        ("code.coding", ANOTHER_CODING),
        ("code.text", NO_RULE),
        ("category", ONE_OF_SEVERAL),
        ("?", NO_RULE),
    ]


def test_a_path_takes_all_that_is_below_it_whatever_else_leads_there() -> None:
    for paths in ([("code",), ("code", "text")], [("code", "text"), ("code",)]):
        tree = tree_of(paths)
        assert [name for name, _ in left_over(RESOURCE, tree)] == ["status", "category", "?"]


def test_names_of_paths_have_no_numbers_and_repeat_nothing_strange() -> None:
    assert [name_of_path(path) for path in PATHS] == ["status", "code.coding.code", "category.text"]
    assert name_of_path(("code", 0, "Ada Lovelace")) == "code.?"


def test_a_reason_is_that_of_the_element_of_one_above_it_or_of_its_last_part() -> None:
    reasons = Reasons({"who": ["performer"], "how": ["*.version"], "inner": ["performer.actor"]})
    assert reasons.of("performer.name") == "who"
    assert reasons.of("performer.actor.display") == "inner"
    assert reasons.of("code.coding.version") == "how"
    assert reasons.of("code") is None


NODES = st.recursive(
    st.sampled_from([None, 1, "x"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
WAYS = st.lists(st.lists(st.sampled_from(["a", "b", "c", 0, 1]), min_size=1, max_size=4).map(tuple), max_size=4)


@settings(deadline=None, max_examples=300)
@given(NODES, NODES, WAYS)
def test_what_is_left_over_depends_on_the_shape_alone(one: Any, other: Any, ways: list[tuple[str | int, ...]]) -> None:
    tree = tree_of(ways)
    if shape_of(one, tree) == shape_of(other, tree):
        assert left_over(one, tree) == left_over(other, tree)
    assert shape_of({"a": one, "b": 1}, tree_of([("a",)])) == shape_of({"a": other, "b": "x"}, tree_of([("a",)]))
