"""Resources with every element of FHIR R4: each is in an event, or is named with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.fhir import taken
from tests.support.fhir_resources import KINDS, leaves, whole_resource, without
from workers.ehr.convert_fhir.resources import Taken

SAYS_HOW = ("system", "contentType", "display", "text", "type", "resourceType", "unit")
"""Last parts of elements that say how another one is to be read, or that stand in for it."""
BESIDE = ("subject", "patient", "id", "encounter", "context", "referenceRange")
"""Whose an event is, in which visit, and in which unit a bound is: not compared here."""


def is_under(name: str, names: Iterable[str]) -> bool:
    """Whether an element or one above it is among these."""
    return any(name == one or name.startswith(f"{one}.") for one in names)


def events_of(resource: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All that its events say."""
    found = taken(resource)
    assert isinstance(found, Taken)
    names = ("code", "description", "time", "value", "text", "unit", "end", "low", "high", "interpretation")
    return [tuple(getattr(event, name) for name in names) for event in found.events]


@pytest.mark.parametrize("kind", KINDS)
def test_each_element_of_twenty_resources_is_converted_or_named_with_a_reason(kind: str) -> None:
    converted = 0
    for number in range(20):
        resource = whole_resource(kind, number)
        found = taken(resource)
        assert isinstance(found, Taken)
        if not found.events:
            assert kind == "Procedure"
            assert found.lacking == ["no time"], "an age or a text is no time"
            continue
        converted += 1
        known = {*found.used, *found.left_out}
        assert [name for name in leaves(resource) if not is_under(name, known)] == []
        assert all(found.left_out.values())
        assert found.is_part
    assert converted >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_named_as_left_out_changes_no_event_and_what_is_converted_does(kind: str) -> None:
    # The number decides which type each choice has; with this one every kind has a time.
    resource = whole_resource(kind, 11)
    found, whole = taken(resource), events_of(resource)
    assert isinstance(found, Taken)
    assert whole
    for name in found.left_out:
        if not is_under(name, found.used) and not any(is_under(one, [name]) for one in found.used):
            assert events_of(without(resource, name.split("."))) == whole, name
    for name in found.used:
        parts = name.split(".")
        if parts[-1] not in SAYS_HOW and not set(parts) & set(BESIDE):
            assert events_of(without(resource, parts)) != whole, name
