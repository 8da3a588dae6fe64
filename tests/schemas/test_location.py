from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from schemas.frozen import Frozen
from schemas.location import Location, with_locations


class Inside(Frozen):
    file: Location | None = None
    word: str = ""


class Settings(Frozen):
    uri: Location
    name: str = ""
    roots: tuple[Location, ...] = ()
    tables: Mapping[str, Location] = {}
    inside: Inside | None = None
    many: tuple[Inside, ...] = ()


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
    ],
)
def test_only_what_is_marked_as_a_location_is_changed(raw: Any, changed: Any) -> None:
    assert with_locations(Settings, raw, str.upper) == (raw if changed is None else changed)
