from __future__ import annotations

from workers.ehr.convert_fhir.leftovers import (
    ANOTHER_CODING,
    NO_RULE,
    ONE_OF_SEVERAL,
    Reasons,
    left_over,
    name_of_path,
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
