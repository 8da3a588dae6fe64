"""Windows of an ACES file as a tree that grows from the trigger."""

import pytest

from schemas.errors import SpecError
from workers.ehr.aces.reading import read_config
from workers.ehr.aces.tree import Tree, build_tree

PREDICATES = (
    "predicates: {adm: {code: ADM}, dis: {code: DIS}, sex: {code: SEX, static: true}}\ntrigger: adm\nwindows:\n"
)
INCLUSIVE = "start_inclusive: true, end_inclusive: false"
HOUR = 3_600_000_000


def tree(*windows: str) -> Tree:
    text = PREDICATES + "".join(f"  {window[:-1]}, {INCLUSIVE}}}\n" for window in windows)
    return build_tree(read_config(text, None, "task"), "task")


def test_each_end_is_found_from_one_that_comes_before_it() -> None:
    grown = tree(
        "target: {start: gap.end, end: start + 24h, label: dis}",
        "gap: {start: input.end, end: start + 48h}",
        "input: {start: null, end: trigger + 12h, index_timestamp: end}",
    )
    names = [node.name for node in grown.nodes]
    assert names == ["input.end", "gap.end", "target.end", "input.start"]
    assert [node.parent for node in grown.nodes] == [0, 1, 2, 1]
    assert [node.bound.shift for node in grown.nodes] == [12 * HOUR, 48 * HOUR, 24 * HOUR, 0]
    assert (grown.label, grown.label_node) == ("dis", 3)


def test_an_end_that_is_the_very_point_it_refers_to_is_no_node_of_its_own() -> None:
    grown = tree("input: {start: trigger, end: start + 1h, index_timestamp: start}")
    assert [node.name for node in grown.nodes] == ["input.end"]
    assert (grown.nodes[0].parent, grown.index, grown.index_at_parent) == (0, 1, True)


@pytest.mark.parametrize(
    ("window", "at_parent"),
    [
        ("w: {start: trigger, end: start + 1h, index_timestamp: end}", False),
        ("w: {start: trigger, end: start + 1h, index_timestamp: start}", True),
        ("w: {start: end <- dis, end: trigger, index_timestamp: end}", True),
        ("w: {start: end <- dis, end: trigger, index_timestamp: start}", False),
        # es-aces starts at the end where the start is written as a length of time before it.
        ("w: {start: end - 1h, end: trigger, index_timestamp: end}", False),
        ("w: {start: end - 1h, end: trigger, index_timestamp: start}", True),
    ],
)
def test_the_time_of_prediction_is_at_the_node_or_at_its_parent(window: str, at_parent: bool) -> None:
    grown = tree(window)
    assert (grown.index, grown.index_at_parent) == (1, at_parent)


def test_a_node_has_the_limits_and_the_inclusiveness_of_its_window_and_other_ends_have_none() -> None:
    grown = tree('w: {start: trigger - 1h, end: start + 2h, has: {dis: "(1, None)"}, index_timestamp: end}')
    first, second = grown.nodes
    assert (first.name, dict(first.has), first.left_inclusive) == ("w.start", {}, False)
    assert (second.name, dict(second.has), second.left_inclusive, second.right_inclusive) == (
        "w.end",
        {"dis": (1, None)},
        True,
        False,
    )


def test_a_file_without_a_label_has_none() -> None:
    assert tree("w: {start: trigger, end: start + 1h, index_timestamp: end}").label == ""


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (
            ["a: {start: b.end, end: start + 1h, index_timestamp: end}", "b: {start: a.end, end: start + 1h}"],
            r"refer in a circle: a.end -> a.start -> b.end -> b.start -> a.end",
        ),
        (["a: {start: inptu.end, end: start + 1h}", "input: {start: trigger, end: start + 1h}"], "'inptu'.*'input'"),
        (["a: {start: gap, end: start + 1h}"], "refers to 'gap': write trigger, <window>.start or <window>.end"),
        (["a: {start: trigger, end: start + 1h}"], "exactly one window has to give the time of prediction, found none"),
        (
            [
                "a: {start: trigger, end: start + 1h, index_timestamp: end}",
                "b: {start: trigger, end: start + 1h, index_timestamp: end}",
            ],
            "found a, b",
        ),
        (
            [
                "a: {start: trigger, end: start + 1h, index_timestamp: end, label: dis}",
                "b: {start: trigger, end: start + 1h, label: adm}",
            ],
            "windows a, b have a label each; only one may",
        ),
        (["a: {start: trigger, end: start, index_timestamp: end}"], "start and end are one point, so it has no index"),
        (['a: {start: trigger, end: start, has: {dis: "(1, None)"}}'], "one point, so nothing can be asked of it"),
        (['a: {start: trigger, end: start + 1h, has: {sex: "(1, None)"}}'], "predicate 'sex' is static"),
        (["a: {start: trigger, end: start -> sex}"], "windows.a: predicate 'sex' is static: it happens at no time"),
    ],
)
def test_windows_that_make_no_tree_are_refused_by_name(windows: list[str], said: str) -> None:
    with pytest.raises(SpecError, match=said) as raised:
        tree(*windows)
    assert str(raised.value).startswith("task: ")
