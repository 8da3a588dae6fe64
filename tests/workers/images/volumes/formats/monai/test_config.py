"""Configs of bundles: references and macros lead where MONAI's own parser leads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.config import Component, Config

RAW: dict[str, Any] = {
    "a": {"b": [1, {"c": "deep"}], "size": [2, 3]},
    "plain": "@a::b::1::c",
    "old": "@a#b#0",
    "through": "@alias::b::0",
    "alias": "@a",
    "text": "%a::size",
    "copied": "%plain",
    "list": ["@a::b::0", {"x": "@a::size::1"}],
    "sum": "$@a::size::0 + @a#size#1",
    "on": False,
}


def config(raw: Any) -> Config:
    return Config(raw, "inference.json", {"other.json": {"x": {"y": [5]}}}.__getitem__)


@pytest.mark.parametrize("name", [name for name in RAW if name != "through"])
def test_ids_have_the_values_that_monai_gives_them(name: str) -> None:
    parser = ConfigParser(RAW)
    assert config(RAW).value(name) == parser.get_parsed_content(name)


def test_a_reference_may_lead_through_another() -> None:
    assert config(RAW).value("through") == 1


def test_a_macro_of_another_file_is_what_stands_there() -> None:
    assert config({"z": "%other.json::x::y"}).value("z") == [5]


def test_components_are_named_and_those_that_are_disabled_are_left_out() -> None:
    raw = {
        "off": "$not @on",
        "on": False,
        "all": [
            {"_target_": "monai.transforms.A", "n": "@n"},
            {"_target_": "B", "_disabled_": "@off"},
            {"_target_": "scripts.C", "_disabled_": True},
        ],
        "n": 4,
    }
    (found,) = config(raw).value("all")
    assert isinstance(found, Component)
    assert (found.target, found.settings) == ("A", {"n": 4})


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        ({"x": "@y", "y": "@x"}, SpecError, "'x' leads to itself"),
        ({"x": "@x"}, SpecError, "leads to itself"),
        ({"x": "@nothing"}, SpecError, "there is no 'nothing'"),
        ({"x": {"_target_": "scripts.net.Net"}}, SecurityError, "'scripts.net.Net' is code of the bundle"),
        ({"x": {"_target_": "os.system", "command": "x"}}, SecurityError, "is code of the bundle"),
        ({"x": {"_target_": "monai.A", "_mode_": "debug"}}, SpecError, "_mode_ is not supported"),
        ({"x": {"_target_": 3}}, SpecError, "must name a class"),
        ({"x": "$exec('1')"}, SecurityError, "inference.json: x: .* is Python code"),
    ],
)
def test_what_has_no_value_is_told_with_its_place(raw: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        config(raw).value("x")


def test_nothing_is_resolved_before_it_is_asked_for(tmp_path: Path) -> None:
    raw = {"data": "$__import__('os').system('touch here')", "n": 3}
    (tmp_path / "c.json").write_text(json.dumps(raw))
    assert config(raw).value("n") == 3
