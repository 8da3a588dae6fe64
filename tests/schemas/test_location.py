from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location, with_locations


class Inside(Frozen):
    file: Location | None = None
    word: str = ""


class Other(Frozen):
    kind: Literal["other"] = "other"
    files: tuple[Location, ...] = ()


class More(Frozen):
    kind: Literal["more"] = "more"
    files: tuple[str, ...] = ()
    place: Location = ""


class Settings(Frozen):
    uri: Location
    name: str = ""
    roots: tuple[Location, ...] = ()
    tables: Mapping[str, Location] = {}
    inside: Inside | None = None
    many: tuple[Inside, ...] = ()
    deep: Mapping[str, tuple[tuple[Location, ...], ...]] = {}
    named: Mapping[str, Inside] = {}
    listed: Mapping[str, list[Inside | None]] = {}
    either: Location | tuple[Location, ...] | None = None
    word: Literal["auto"] | Location = "auto"
    one: Annotated[Other | More, Field(discriminator="kind")] | None = None
    pair: tuple[str, Location] = ("", "")
    short: tuple[Location | Inside, ...] = ()


@pytest.mark.parametrize(
    ("raw", "changed"),
    [
        ({"uri": "a", "name": "b"}, {"uri": "A", "name": "b"}),
        ({"roots": ["a", "b"]}, {"roots": ["A", "B"]}),
        ({"tables": {"x": "a"}}, {"tables": {"x": "A"}}),
        ({"inside": {"file": "a", "word": "b"}}, {"inside": {"file": "A", "word": "b"}}),
        ({"many": [{"file": "a"}, {"word": "b"}]}, {"many": [{"file": "A"}, {"word": "b"}]}),
        ({"uri": 7, "roots": None, "inside": "x", "unknown": "a", 3: "b"}, None),
        (["uri"], None),
        ({"deep": {"x": [["a"], ["b", "c"]]}}, {"deep": {"x": [["A"], ["B", "C"]]}}),
        ({"named": {"file": {"file": "a", "word": "b"}}}, {"named": {"file": {"file": "A", "word": "b"}}}),
        ({"listed": {"x": [{"file": "a"}, None]}}, {"listed": {"x": [{"file": "A"}, None]}}),
        ({"either": "a"}, {"either": "A"}),
        ({"either": ["a", "b"]}, {"either": ["A", "B"]}),
        ({"word": "auto"}, None),
        ({"word": "a"}, {"word": "A"}),
        ({"one": {"kind": "other", "files": ["a"]}}, {"one": {"kind": "other", "files": ["A"]}}),
        (
            {"one": {"kind": "more", "files": ["a"], "place": "b"}},
            {"one": {"kind": "more", "files": ["a"], "place": "B"}},
        ),
        ({"pair": ["a", "b", "c"]}, {"pair": ["a", "B", "c"]}),
        ({"short": ["a", {"file": "b"}]}, {"short": ["A", {"file": "B"}]}),
    ],
)
def test_only_what_is_marked_as_a_location_is_changed(raw: Any, changed: Any) -> None:
    assert with_locations(Settings, raw, str.upper) == (raw if changed is None else changed)
