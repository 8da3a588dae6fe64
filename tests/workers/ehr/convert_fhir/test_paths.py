from __future__ import annotations

import base64
from typing import Any

import pytest

from workers.ehr.convert_fhir.coding import compile_part
from workers.ehr.convert_fhir.paths import attached_text, patient_id, patient_of

SYSTEMS = {"http://loinc.org": "LOINC"}


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("Patient/123", "123"),
        ("https://fhir.example.org/r4/Patient/a-b.c", "a-b.c"),
        ("Patient/123/_history/7", "123"),
        ("urn:uuid:0c1c3f5e-0000-4000-8000-000000000001", "0c1c3f5e-0000-4000-8000-000000000001"),
    ],
)
def test_every_way_to_refer_to_a_patient_gives_the_id(reference: str, key: str) -> None:
    assert patient_of(reference) == (key, "")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (None, "no subject"),
        (7, "no subject"),
        ("#p", "its subject is inside the resource itself"),
        ("Group/1", "its subject is not a patient"),
        ("Patient?identifier=7", "its subject is not a patient"),
        ("Patient/", "its reference to a patient is not one"),
        ("Patient/a b", "its reference to a patient is not one"),
        ("123", "its subject is not a patient"),
    ],
)
def test_what_refers_to_no_patient_says_why(reference: Any, reason: str) -> None:
    assert patient_of(reference) == (None, reason)


def test_a_patients_own_id_is_what_references_give() -> None:
    assert patient_id("urn:uuid:x-1") == patient_of("urn:uuid:x-1") == ("x-1", "")
    assert patient_id("a/b") == (None, "its id is not one")


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ({"coding": [{"system": "http://loinc.org", "code": "1-8", "display": "A"}], "text": "B"}, ("LOINC/1-8", "A")),
        ({"coding": [{"system": "http://loinc.org"}, {"system": "u", "code": "x"}], "text": "B"}, ("u/x", "B")),
        ({"coding": [{"code": "x"}]}, ("x", None)),
        ({"coding": [], "text": "B"}, ("TEXT/B", "B")),
        ({"system": "http://loinc.org", "code": "1-8"}, ("LOINC/1-8", None)),
        ({"reference": "https://x/Medication/7", "display": "D"}, ("Medication/7", "D")),
        ({"reference": "#m"}, ("LOINC/m", None)),
        ({"reference": "#lost"}, None),
        ({"coding": "no list"}, None),
        ([{"code": "x"}], ("x", None)),
        (True, ("true", None)),
        ("", None),
        (None, None),
    ],
)
def test_a_concept_becomes_system_and_code(node: Any, name: Any) -> None:
    contained = [{"id": "m", "code": {"coding": [{"system": "http://loinc.org", "code": "m"}]}}]
    part = compile_part("$found", SYSTEMS)
    assert part({"found": node, "contained": contained}, None) == name


def test_alternatives_are_tried_in_their_order() -> None:
    part = compile_part("$a.b|$.c|UNK", SYSTEMS)
    assert part({"a": [{"b": "1"}]}, {"c": "2"}) == ("1", None)
    assert part({"a": []}, {"c": "2"}) == ("2", None)
    assert part({}, None) == ("UNK", None)


def test_only_inline_text_is_a_text() -> None:
    def attachment(kind: str, data: bytes) -> dict[str, str]:
        return {"contentType": kind, "data": base64.b64encode(data).decode()}

    assert attached_text(attachment("text/plain", "né".encode())) == "né"
    assert attached_text(attachment('text/html; charset="latin1"', "né".encode("latin1"))) == "né"
    assert attached_text({"contentType": "text/plain", "data": "bsOp\nbsOp"}) == "néné"
    assert attached_text(attachment("application/pdf", b"%PDF")) is None
    assert attached_text({"contentType": "text/plain", "url": "Binary/1"}) is None


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("text/plain", "/w==", "decode"),
        ("text/plain", "a!", "base64"),
        ("text/plain; charset=klingon", "eA==", "character set"),
    ],
)
def test_text_that_is_not_what_it_says_is_an_error(kind: str, data: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        attached_text({"contentType": kind, "data": data})
