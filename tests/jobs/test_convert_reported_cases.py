"""Exports that an earlier release converted wrongly, end to end: what each must become, and what its account says.

Days and midnights beside a visit, the other cases of that release, are those of `test_convert_zones.py`."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.fhir import PATIENT, SUBJECT, bundle, observation
from tests.support.meds import account, convert_spec, events, run_convert
from workers.finished_runs.documents import read_manifest

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LAB = "LAB//LOINC/2160-0//mg/dL"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
TEN = "2024-03-05T10:00:00Z"
Event = tuple[str, float | None, str | None]
Said = tuple[str, str | None, int]
PERSON_EVENTS: list[Event] = [("MEDS_BIRTH", None, None), ("GENDER//female", None, None)]


@dataclass(frozen=True)
class Export:
    """Resources, the events they must become beside those of the patient, and outcomes of the first records."""

    resources: list[dict[str, Any]]
    events: list[Event]
    outcomes: list[Said]
    elements: dict[str, str] = field(default_factory=dict)
    person: list[Event] = field(default_factory=lambda: PERSON_EVENTS)


def request(own: str, **more: Any) -> dict[str, Any]:
    """An order of a medicine."""
    start = {"resourceType": "MedicationRequest", "id": own, "status": "active", "intent": "order"}
    return {**start, "subject": SUBJECT, "authoredOn": TEN, **more}


def given(own: str, value: float, unit: str) -> dict[str, Any]:
    """A dose of vancomycin."""
    dose = {"value": value, "unit": unit, "code": unit}
    return {
        "resourceType": "MedicationAdministration",
        "id": own,
        "status": "completed",
        "subject": SUBJECT,
        "effectiveDateTime": TEN,
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "11124"}]},
        "dosage": {"dose": dose},
    }


def medicine(own: str) -> dict[str, Any]:
    """Metformin, to be referred to."""
    return {"resourceType": "Medication", "id": own, "code": {"coding": [{"system": RXNORM, "code": "860975"}]}}


def coded(own: str, value: float, *codings: tuple[str, str]) -> dict[str, Any]:
    """A result whose code is said in these systems."""
    return observation(own, value, code={"coding": [{"system": system, "code": code} for system, code in codings]})


def part(code: str, **value: Any) -> dict[str, Any]:
    """A component."""
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}


def document(*attached: tuple[str, str]) -> dict[str, Any]:
    """A note in these attachments: media type and content."""
    content = [
        {"attachment": {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}}
        for kind, text in attached
    ]
    start = {"resourceType": "DocumentReference", "id": "d", "status": "current", "subject": SUBJECT}
    return {**start, "date": TEN, "content": content}


RATIO = {"numerator": {"value": 1}, "denominator": {"value": 128}}
ABNORMAL = {"coding": [{"system": INTERPRETATION, "code": "H"}]}
WITHDRAWN = [{"system": "urn:local", "code": "9"}, {"system": VERIFICATION, "code": "entered-in-error"}]
CONVERTED: Said = ("converted", None, 1)
NEWER: Said = ("ignored", "repeated: a newer version counts", 0)
REFERRED: Said = ("ignored", "its code is taken where others refer to it", 0)
LOCAL, LOINC = ("urn:oid:1.2.3.4", "CREA"), ("http://loinc.org", "2160-0")

EXPORTS = {
    "a Bundle on a line": Export([bundle("transaction", observation("o1"))], [(LAB, 1.0, None)], [CONVERTED]),
    "values of other kinds than a quantity": Export(
        [
            observation("r", valueQuantity=None, valueRatio=RATIO),
            observation("g", valueQuantity=None, valueRange={"low": {"value": 1}, "high": {"value": 5}}),
            observation("d", valueQuantity=None, valueDateTime="2024-01-01"),
            observation(
                "a",
                valueQuantity=None,
                dataAbsentReason={"coding": [{"system": "x", "code": "not-performed"}]},
                interpretation=[ABNORMAL],
            ),
        ],
        [
            ("LAB//LOINC/2160-0//RATIO", 1 / 128, "1:128"),
            ("LAB//LOINC/2160-0//UNK", None, "1 - 5"),
            ("OBSERVATION//LOINC/2160-0", None, "2024-01-01"),
            (f"OBSERVATION//LOINC/2160-0//{INTERPRETATION.removeprefix('http://')}/H", None, None),
        ],
        [CONVERTED, CONVERTED, CONVERTED, ("partly", None, 1)],
    ),
    "components of a number and of a truth": Export(
        [
            observation(
                "o",
                valueQuantity=None,
                component=[
                    part("8480-6", valueQuantity={"value": 120, "code": "mm[Hg]"}),
                    part("9267-6", valueInteger=3),
                    part("44250-9", valueBoolean=True),
                ],
            )
        ],
        [
            ("LAB//LOINC/8480-6//mm[Hg]", 120.0, None),
            ("OBSERVATION//LOINC/9267-6", 3.0, None),
            ("OBSERVATION//LOINC/44250-9//true", None, None),
        ],
        [("partly", None, 3)],
    ),
    "a death without its time": Export(
        [{**PATIENT, "deceasedBoolean": True}], [], [("partly", None, 2)], {"deceasedBoolean": "time"}, PERSON_EVENTS
    ),
    "an order not to give": Export(
        [request("m", doNotPerform=True, medicationCodeableConcept={"coding": [{"system": RXNORM, "code": "7980"}]})],
        [],
        [("ignored", "its doNotPerform says that it does not hold", 0)],
    ),
    "doses of two units": Export(
        [given("a", 1000, "mg"), given("b", 1, "g")],
        [("MEDICATION_GIVEN//RxNorm/11124//mg", 1000.0, None), ("MEDICATION_GIVEN//RxNorm/11124//g", 1.0, None)],
        [CONVERTED, CONVERTED],
    ),
    "a local code before the standard one": Export(
        [coded("a", 1.5, LOCAL, LOINC), coded("b", 2.5, LOINC, LOCAL)],
        [(LAB, 1.5, None), (LAB, 2.5, None)],
        [CONVERTED, CONVERTED],
    ),
    "a medicine that is referred to": Export(
        [
            medicine("m1"),
            medicine("m2"),
            request("a", medicationReference={"reference": "Medication/m1"}),
            request("b", medicationReference={"reference": "Medication/m2"}),
        ],
        [("MEDICATION//RxNorm/860975", None, None)] * 2,
        [REFERRED, REFERRED, CONVERTED, CONVERTED],
    ),
    "a note as rich text and as plain text": Export(
        [document(("text/rtf", r"{\rtf1\ansi No fever.\par}"), ("text/plain", "No fever."))],
        [("NOTE//UNK", None, "No fever.")],
        [CONVERTED],
    ),
    "a note of two pages": Export(
        [document(("text/plain", "Page one: fever."), ("text/plain", "Page two: diabetes."))],
        [("NOTE//UNK", None, "Page one: fever."), ("NOTE//UNK", None, "Page two: diabetes.")],
        [("converted", None, 2)],
    ),
    "one result in two versions and a patient twice": Export(
        [
            observation("o1", 1.0, meta={"versionId": "1"}),
            observation("o1", 1.0, meta={"versionId": "1"}),
            observation("o1", 1.5, meta={"versionId": "2"}),
            PATIENT,
        ],
        [(LAB, 1.5, None)],
        [NEWER, NEWER, CONVERTED, ("ignored", "repeated: the same version again", 0)],
    ),
    "a withdrawal in the second coding": Export(
        [
            {
                "resourceType": "Condition",
                "id": "c",
                "subject": SUBJECT,
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
                "verificationStatus": {"coding": WITHDRAWN},
                "recordedDate": "2024-03-05",
            }
        ],
        [],
        [("ignored", "its verificationStatus says that it does not hold", 0)],
    ),
    "a system with a slash at its end or https": Export(
        [coded("a", 1.5, ("http://loinc.org/", "2160-0")), coded("b", 2.5, ("https://loinc.org", "2160-0"))],
        [(LAB, 1.5, None), (LAB, 2.5, None)],
        [CONVERTED, CONVERTED],
    ),
}


@pytest.mark.parametrize("case", EXPORTS)
def test_an_export_becomes_the_events_it_tells_of_and_its_account_says_so(tmp_path: Path, case: str) -> None:
    export = EXPORTS[case]
    (tmp_path / "in").mkdir()
    whole = export.resources if export.elements else [*export.resources, PATIENT]
    (tmp_path / "in/all.ndjson").write_text("".join(json.dumps(one) + "\n" for one in whole))
    store = run_convert(convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    assert sorted(_said(events(store)), key=str) == sorted([*export.events, *export.person], key=str)
    assert events(store)["subject_id"].n_unique() == 1
    told = account(store).select("outcome", "reason", "n_events").rows()
    assert told[: len(export.outcomes)] == export.outcomes
    manifest = read_manifest(store)
    assert manifest is not None
    reasons = {row["element"]: str(row["reason"]) for row in manifest.tables["elements"]}
    for element, word in export.elements.items():
        assert word in reasons[element]


def _said(found: pl.DataFrame) -> list[Event]:
    return found.select("code", pl.col("numeric_value").cast(pl.Float64), "text_value").rows()


PERSON = "person_id,gender_concept_id,year_of_birth\n1,8532,1960\n"
MEASURED = "measurement_id,person_id,measurement_concept_id,measurement_date,"
VISITS = (
    "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,"
    "visit_end_datetime\n"
)
TABLES: dict[str, tuple[dict[str, str], list[tuple[str, str, float | None, str | None]]]] = {
    "times as BigQuery writes them": (
        {
            "person": PERSON,
            "measurement": MEASURED + "measurement_datetime,value_as_number\n"
            "1,1,3016723,2024-03-05,2024-03-05 10:00:00 UTC,1.5\n"
            "2,1,3016723,2024-03-05,2024-03-05 10:00:00.5 UTC,2.5\n"
            "3,1,3016723,2024-03-05,2024-03-05 05:00:00 -0500,3.5\n",
        },
        [
            ("LAB//CONCEPT/3016723//UNK", "2024-03-05T10:00:00.000000", 1.5, None),
            ("LAB//CONCEPT/3016723//UNK", "2024-03-05T10:00:00.500000", 2.5, None),
            ("LAB//CONCEPT/3016723//UNK", "2024-03-05T10:00:00.000000", 3.5, None),
        ],
    ),
    "words of databases for null": (
        {
            "person": PERSON,
            "visit_occurrence": VISITS + "1,1,9201,2024-03-05,NULL,2024-03-06,NULL\n"
            "2,1,9201,2024-03-07,\\N,2024-03-08,\\N\n",
        },
        [
            ("ENCOUNTER_START//CONCEPT/9201", "2024-03-05T00:00:00.000000", None, None),
            ("ENCOUNTER_END//CONCEPT/9201", "2024-03-06T00:00:00.000000", None, None),
            ("ENCOUNTER_START//CONCEPT/9201", "2024-03-07T00:00:00.000000", None, None),
            ("ENCOUNTER_END//CONCEPT/9201", "2024-03-08T00:00:00.000000", None, None),
        ],
    ),
    "the operator of a number": (
        {
            "person": PERSON,
            "measurement": MEASURED + "operator_concept_id,value_as_number,value_source_value\n"
            "1,1,3016723,2024-03-05,4171756,0.5,<0.5\n",
        },
        [("LAB//CONCEPT/3016723//UNK", "2024-03-05T00:00:00.000000", 0.5, "<")],
    ),
    "semicolons": ({"person": PERSON.replace(",", ";")}, []),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_become_the_events_they_tell_of(tmp_path: Path, case: str) -> None:
    tables, wanted = TABLES[case]
    store = _tables(tmp_path, tables)
    found = events(store).with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    seen = found.filter(~pl.col("code").str.contains("GENDER|BIRTH"))
    rows = seen.select("code", "time", pl.col("numeric_value").cast(pl.Float64), "text_value").rows()
    assert sorted(rows, key=str) == sorted(wanted, key=str)
    assert {"GENDER//CONCEPT/8532", "MEDS_BIRTH"} <= set(found["code"])
    assert set(account(store).select("status", "outcome").rows()) == {("ok", "converted")}


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_table_without_its_column_of_persons_is_refused_by_its_name(tmp_path: Path, mark: str) -> None:
    with pytest.raises(SpecError, match="person_id"):
        _tables(tmp_path, {"person": PERSON.replace("person_id", "patient_id").replace(",", mark)})


def _tables(folder: Path, tables: dict[str, str]) -> Any:
    (folder / "in").mkdir()
    for name, text in tables.items():
        (folder / f"in/{name}.csv").write_text(text)
    return run_convert(convert_spec(f"format: omop, uri: {folder / 'in'}", str(folder / "out")))
