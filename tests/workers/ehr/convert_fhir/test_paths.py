from __future__ import annotations

from typing import Any

import pytest

from workers.ehr.convert_fhir.paths import patient_id, patient_of


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
