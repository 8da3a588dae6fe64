"""Which of several records of one resource counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ehr.convert_fhir.coding import Vocabulary
from workers.ehr.convert_fhir.versions import definitions, scanned
from workers.ehr.fhir.line import Line
from workers.ehr.fhir.versions import GONE, OLDER, REPEATED, superseded

WORDS = Vocabulary({"http://loinc.org": "LOINC"})


def patient(own: str = "a", **meta: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own, **({"meta": meta} if meta else {})}


def deletion(key: str, when: str | None = None) -> dict[str, Any]:
    response = {"response": {"lastModified": when}} if when else {}
    return {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": key}, **response}]}


def losing(*resources: dict[str, Any]) -> dict[int, str]:
    """Reasons by the number of the line."""
    seen, _ = scanned([Line(n, json.dumps(one).encode()) for n, one in enumerate(resources)], 0, {}, WORDS)
    return {position: reason for _, position, _, reason in superseded(seen).iter_rows()}


@pytest.mark.parametrize(
    ("resources", "reasons"),
    [
        ([patient(), patient("b")], {}),
        ([patient(), patient()], {0: REPEATED}),
        ([patient(versionId="2"), patient(versionId="1")], {1: OLDER}),
        ([patient(versionId="10"), patient(versionId="9"), patient(versionId="10")], {0: REPEATED, 1: OLDER}),
        ([patient(lastUpdated="2020-01-02T00:00:00Z"), patient(lastUpdated="2020-01-01T00:00:00Z")], {1: OLDER}),
        # Ten in the morning in Berlin is before half past nine in London.
        ([patient(lastUpdated="2020-01-02T09:30:00Z"), patient(lastUpdated="2020-01-02T10:00:00+01:00")], {1: OLDER}),
        # The time of only one says nothing of both; the number does.
        ([patient(versionId="3"), patient(versionId="2", lastUpdated="2020-01-01T00:00:00Z")], {1: OLDER}),
        ([patient(versionId="abc"), patient(versionId="abd")], {0: REPEATED}),
        ([patient(), deletion("Patient/a")], {0: GONE}),
        ([deletion("Patient/a"), patient()], {}),
        # Without a time only its place says when it was.
        ([patient(versionId="4"), deletion("Patient/a")], {0: GONE}),
        ([patient(lastUpdated="2020-01-02T00:00:00Z"), deletion("Patient/a")], {0: GONE}),
        ([patient(lastUpdated="2020-01-02T00:00:00Z"), deletion("Patient/a", "2020-01-01T00:00:00Z")], {}),
        ([deletion("Patient/a", "2020-01-03T00:00:00Z"), patient(lastUpdated="2020-01-02T00:00:00Z")], {1: GONE}),
        ([patient(), {"resourceType": "Group", "id": "a"}], {}),
        ([{"resourceType": "Patient"}, {"resourceType": "Patient"}], {}),
    ],
)
def test_the_newest_counts_by_its_time_else_its_number_else_its_place(
    resources: list[dict[str, Any]], reasons: dict[int, str]
) -> None:
    assert losing(*resources) == reasons


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "3", None])), max_size=12))
def test_of_each_resource_exactly_one_record_is_left(said: list[tuple[str, str | None]]) -> None:
    found = losing(*(patient(own, **({"versionId": version} if version else {})) for own, version in said))
    left = [own for number, (own, _) in enumerate(said) if number not in found]
    assert sorted(left) == sorted({own for own, _ in said})


def test_codes_that_others_refer_to_are_known_by_type_and_id() -> None:
    drug = {"resourceType": "Medication", "id": "7", "code": {"coding": [{"system": "http://loinc.org", "code": "x"}]}}
    lines = [Line(0, json.dumps(drug).encode()), Line(1, json.dumps({**drug, "id": "8", "code": {}}).encode())]
    _, defined = scanned(lines, 0, {"Medication": "code"}, WORDS)
    assert definitions(defined) == {"Medication/7": ("LOINC/x", None)}
