from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import SpecError
from schemas.yaml_text import load_yaml
from workers.ehr.aces.reading import CoreLoader


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("0o17", "0o17"),
        ("010", 10.0),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("true", True),
        ("FALSE", False),
        ("-7", -7),
        ("+.5", 0.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("'7'", "7"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = load_yaml(f"x: {text}", "task", CoreLoader)["x"]
    assert found == value
    assert type(found) is type(value)


def test_anchors_are_merged() -> None:
    assert load_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}", "task", CoreLoader)["b"] == {"x": 1, "y": 2}


def test_a_key_that_comes_twice_is_told_with_its_line() -> None:
    with pytest.raises(SpecError, match=r"^task: key 'a' stands there twice, again in line 3$"):
        load_yaml("a: 1\nb: 2\na: 3\n", "task", CoreLoader)


@pytest.mark.parametrize("text", ["a: [", "\ta: 1", "!!python/object/apply:os.system [x]", "[" * 5000])
def test_what_is_no_yaml_is_refused_and_runs_nothing(text: str) -> None:
    with pytest.raises(SpecError, match=r"^task: "):
        load_yaml(text, "task", CoreLoader)
