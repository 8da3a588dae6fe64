"""Where resources lie in the text of a Bundle: what is read there is what the reader of Bundles gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ehr.fhir.bundles import records_in
from workers.ehr.fhir.places import entry_places

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
RESOURCES = st.dictionaries(st.text(max_size=6), VALUES, max_size=4).map(lambda said: {"resourceType": "Basic", **said})


def bundled(resources: Any) -> Any:
    entries = st.lists(resources.map(lambda one: {"fullUrl": "u", "resource": one, "search": {}}) | VALUES, max_size=4)
    return entries.map(
        lambda entry: {"type": "batch", "entry": entry, "resourceType": "Bundle", "link": [{"entry": 1}]}
    )


@settings(max_examples=100, deadline=None)
@given(st.recursive(RESOURCES, bundled, max_leaves=6), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_each_resource_lies_where_it_is_said_to(
    node: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(node, indent=indent, ensure_ascii=ascii_only)
    records = list(records_in(node, 0))
    places = entry_places(text, 0, max((len(record.path) for record in records), default=1))
    for record in records:
        if record.resource is not None and record.path:
            place = places[record.path]
            found = json.loads(text[place.start : place.end])
            # An id may be that of the entry's url.
            assert {**record.resource, "id": None} == {**found, "id": None}


@pytest.mark.parametrize("text", ['{"resourceType": "Bundle"}', '{"entry": {"a": 1}}', '{"entry": [ ]}'])
def test_a_bundle_without_entries_has_no_place(text: str) -> None:
    assert entry_places(text, 0) == {}
