from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.status import Status
from workers.ehr.fhir.bundles import Record, identity_of, key_of, records_of, resolved
from workers.ehr.fhir.line import Line

PATIENT = {"resourceType": "Patient", "id": "a"}


def records(body: Any, is_document: bool = False) -> list[Record]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(records_of(Line(5, data, is_document=is_document)))


def entries(*found: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "batch", "entry": list(found)}


def test_every_entry_is_a_record_with_its_number_also_in_a_bundle_inside() -> None:
    inner = entries({"resource": {"resourceType": "Group", "id": "g"}})
    found = records(entries({"resource": PATIENT}, {"resource": inner}, {"resource": PATIENT}))
    assert [(record.number, record.kind, record.position) for record in found] == [
        (0, "Patient", 5),
        (1, "Group", 5),
        (2, "Patient", 5),
    ]


@pytest.mark.parametrize(
    ("entry", "trouble", "reason"),
    [
        ({}, None, "an entry without a resource"),
        ({"request": {"method": "GET", "url": "Patient/1"}}, None, "an entry without a resource"),
        ({"request": {"method": "DELETE", "url": "Patient/1"}}, None, "it was deleted"),
        ("x", Status.UNREADABLE, "an entry that is no JSON object"),
        (None, Status.UNREADABLE, "an entry that is no JSON object"),
        ({"resource": {}}, Status.UNREADABLE, "no resourceType"),
        ({"resource": {"resourceType": "../x"}}, Status.UNREADABLE, "no resourceType"),
    ],
)
def test_an_entry_without_a_resource_says_why(entry: Any, trouble: Status | None, reason: str) -> None:
    (found,) = records(entries(entry))
    assert (found.trouble, found.reason, found.resource) == (trouble, reason, None)


@pytest.mark.parametrize("found", [[], None, "x", {}])
def test_a_bundle_without_entries_is_one_record_that_says_so(found: Any) -> None:
    (record,) = records({"resourceType": "Bundle", "entry": found})
    assert (record.kind, record.reason) == ("Bundle", "a Bundle without entries")


def test_bundles_in_bundles_end() -> None:
    body = entries({"resource": PATIENT})
    for _ in range(20):
        body = entries({"resource": body})
    (found,) = records(body)
    assert found.reason == "Bundles in Bundles without end"


def test_a_document_may_hold_several_values_and_what_follows_an_error_is_one_record() -> None:
    text = json.dumps(PATIENT, indent=2).encode()
    found = records(text + b"\n" + text + b"\n {broken " + text, is_document=True)
    assert [(record.kind, record.reason) for record in found] == [
        ("Patient", None),
        ("Patient", None),
        (None, "not JSON"),
    ]
    (manifest,) = records({"transactionTime": "2024", "output": []}, is_document=True)
    assert manifest.reason == "the manifest of a bulk export"


def test_a_resource_without_an_id_has_that_of_its_entry_and_references_to_it_are_resolved() -> None:
    patient = {"fullUrl": "urn:uuid:1-2", "resource": {"resourceType": "Patient"}}
    named = {"fullUrl": "https://x/fhir/Encounter/9", "resource": {"resourceType": "Encounter", "id": "e"}}
    lab = {"resource": {"resourceType": "Observation", "id": "o", "subject": {"reference": "urn:uuid:1-2"}}}
    first, _, last = records(entries(patient, named, lab))
    assert identity_of(first) == "Patient/1-2"
    assert last.resource is not None
    assert resolved(last.resource, last.urns)["subject"]["reference"] == "Patient/1-2"
    assert last.urns["https://x/fhir/Encounter/9"] == "Encounter/e"


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("Patient/1", "Patient/1"),
        ("https://x/fhir/Patient/1/_history/3", "Patient/1"),
        ("Patient?identifier=7", None),
        ("1", None),
        ("urn:uuid:1", None),
    ],
)
def test_the_key_of_a_reference_is_type_and_id(reference: str, key: str | None) -> None:
    assert key_of(reference) == key
