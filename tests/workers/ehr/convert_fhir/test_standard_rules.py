"""What the rules that come with the format make of single resources, the events by hand."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support.fhir import PATIENT, SUBJECT, bundle, codes, mapped, observation, outcomes
from workers.ehr.meds.rules import Profile

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ASPIRIN = {"coding": [{"system": RXNORM, "code": "1191"}]}
NOON = "2024-03-05T12:00:00Z"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def resource(kind: str, **more: Any) -> dict[str, Any]:
    subject = "patient" if kind in ("Immunization", "AllergyIntolerance") else "subject"
    return {"resourceType": kind, "id": "x", subject: SUBJECT, **more}


def concept(code: str, system: str = "http://snomed.info/sct") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


DIABETES = concept("44054006")
GIVEN = {"medicationCodeableConcept": ASPIRIN}


@pytest.mark.parametrize(
    ("value", "code", "number", "text"),
    [
        ({"valueQuantity": {"value": 1, "code": "mg/dL"}}, "LAB//LOINC/2160-0//mg/dL", 1.0, None),
        ({"valueQuantity": {"value": 1, "unit": "MG/DL"}}, "LAB//LOINC/2160-0//mg/dL", 1.0, None),
        (
            {"valueQuantity": {"value": 0.3, "comparator": "<", "code": "mg/dL"}},
            "LAB//LOINC/2160-0//mg/dL",
            pytest.approx(0.3),
            "<",
        ),
        ({"valueInteger": 3}, "OBSERVATION//LOINC/2160-0", 3.0, None),
        ({"valueBoolean": True}, "OBSERVATION//LOINC/2160-0//true", None, None),
        ({"valueCodeableConcept": DIABETES}, "OBSERVATION//LOINC/2160-0//SNOMED/44054006", None, None),
        ({"valueString": "clear"}, "OBSERVATION//LOINC/2160-0", None, "clear"),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
            "LAB//LOINC/2160-0//RATIO",
            1 / 128,
            "1:128",
        ),
        ({"valueRatio": {"numerator": {"value": 1}}}, "LAB//LOINC/2160-0//RATIO", None, "1:?"),
        (
            {"valueRange": {"low": {"value": 1, "code": "mg"}, "high": {"value": 5}}},
            "LAB//LOINC/2160-0//mg",
            None,
            "1 - 5",
        ),
        ({"valueRange": {"high": {"value": 5}}}, "LAB//LOINC/2160-0//UNK", None, "<= 5"),
        ({"valueDateTime": "2024-01-01"}, "OBSERVATION//LOINC/2160-0", None, "2024-01-01"),
        ({"valueTime": "08:30:00"}, "OBSERVATION//LOINC/2160-0", None, "08:30:00"),
        (
            {"valuePeriod": {"start": "2024-01-01", "end": "2024-01-02"}},
            "OBSERVATION//LOINC/2160-0",
            None,
            "2024-01-01/2024-01-02",
        ),
        ({"valueSampledData": {"data": "1 2 3"}}, "OBSERVATION//LOINC/2160-0//SAMPLED", None, "1 2 3"),
        (
            {"interpretation": [concept("H", "http://x/v3-ObservationInterpretation")]},
            "OBSERVATION//LOINC/2160-0//x/v3-ObservationInterpretation/H",
            None,
            None,
        ),
    ],
)
def test_every_kind_of_value_is_an_event_also_in_a_component(value: Any, code: str, number: Any, text: Any) -> None:
    alone = mapped(observation("o", valueQuantity=None) | value)
    assert alone.events.select("code", "numeric_value", "text_value").rows() == [(code, number, text)]
    whole = observation("o", valueQuantity=None)
    part = mapped(whole | {"component": [{"code": whole["code"], **value}]})
    assert part.events.select("code", "numeric_value", "text_value").rows() == [(code, number, text)]


def test_a_result_has_its_unit_its_range_its_flag_and_its_visit() -> None:
    part = mapped(
        observation(
            "o",
            encounter={"reference": "Encounter/e7"},
            referenceRange=[{"low": {"value": 0.6, "code": "mg/dL"}, "high": {"value": 1.2}}],
            interpretation=[concept("H", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")],
        )
    )
    (row,) = part.events.select("unit", "range_low", "range_high", "interpretation", "visit_id").rows()
    assert row == ("mg/dL", pytest.approx(0.6), pytest.approx(1.2), "H", "e7")
    assert outcomes(part) == [("converted", None, 1)]


def test_components_that_have_no_value_are_told_and_the_others_are_events() -> None:
    parts = [
        {"code": concept("a"), "valueQuantity": {"value": 120, "code": "mm[Hg]"}},
        {"code": concept("b"), "dataAbsentReason": {"text": "lost"}},
    ]
    part = mapped(observation("o", component=parts))
    assert outcomes(part) == [("partly", None, 2)]
    assert part.elements["Observation", "component", "no value"] == 1


@pytest.mark.parametrize(
    "qualified",
    [
        resource("MedicationRequest", authoredOn=NOON, medicationCodeableConcept=ASPIRIN, doNotPerform=True),
        resource("MedicationRequest", authoredOn=NOON, medicationCodeableConcept=ASPIRIN, intent="proposal"),
        resource("MedicationRequest", authoredOn=NOON, medicationCodeableConcept=ASPIRIN, status="Entered in Error"),
        resource(
            "MedicationAdministration", effectiveDateTime=NOON, medicationCodeableConcept=ASPIRIN, status="not-done"
        ),
        resource(
            "MedicationAdministration", effectiveDateTime=NOON, medicationCodeableConcept=ASPIRIN, wasNotGiven=True
        ),
        resource("MedicationStatement", effectiveDateTime=NOON, medicationCodeableConcept=ASPIRIN, status="not-taken"),
        resource("MedicationStatement", effectiveDateTime=NOON, medicationCodeableConcept=ASPIRIN, taken="n"),
        resource("Procedure", performedDateTime=NOON, code=DIABETES, status="not-done"),
        resource("Procedure", performedDateTime=NOON, code=DIABETES, notPerformed=True),
        resource("Immunization", occurrenceDateTime=NOON, vaccineCode=DIABETES, status="not-done"),
        resource("Immunization", occurrenceDateTime=NOON, vaccineCode=DIABETES, wasNotGiven=True),
        resource("Condition", recordedDate=NOON, code=DIABETES, verificationStatus=concept("refuted", VERIFICATION)),
        resource("Condition", recordedDate=NOON, code=DIABETES, verificationStatus={"text": "Refuted"}),
        resource("Condition", recordedDate=NOON, code=DIABETES, verificationStatus="entered-in-error"),
        resource(
            "Condition",
            recordedDate=NOON,
            code=DIABETES,
            verificationStatus={"coding": [{"system": "urn:local", "code": "9"}, {"code": "entered-in-error"}]},
        ),
        resource("AllergyIntolerance", recordedDate=NOON, code=DIABETES, verificationStatus=concept("refuted")),
        resource("Encounter", period={"start": NOON}, status="entered-in-error"),
        resource("Encounter", period={"start": NOON}, status="planned"),
        resource("DocumentReference", date=NOON, docStatus="entered-in-error"),
        resource("DiagnosticReport", issued=NOON, conclusion="x", status="cancelled"),
        observation("o", status="entered-in-error"),
        observation("o", status="cancelled"),
        observation("o", modifierExtension=[{"url": "http://x/negated", "valueBoolean": True}]),
    ],
)
def test_what_a_qualifier_takes_back_is_no_event_and_says_why(qualified: dict[str, Any]) -> None:
    part = mapped(qualified)
    assert codes(part) == []
    ((outcome, reason, _),) = outcomes(part)
    assert outcome == "ignored"
    assert reason is not None
    assert "says that it does not hold" in reason or "may say the opposite" in reason


def test_a_component_that_something_unknown_modifies_is_left_out() -> None:
    parts = [{"code": DIABETES, "valueInteger": 1, "modifierExtension": [{"url": "http://x/not"}]}]
    part = mapped(observation("o", component=parts))
    assert len(codes(part)) == 1
    assert part.elements["Observation", "component", "a modifierExtension that no rule knows may say the opposite"] == 1


@pytest.mark.parametrize(("said", "code"), [("confirmed", "CONDITION"), ("provisional", "CONDITION_SUSPECTED")])
def test_a_suspicion_is_no_diagnosis(said: str, code: str) -> None:
    part = mapped(
        resource("Condition", recordedDate=NOON, code=DIABETES, verificationStatus=concept(said, VERIFICATION))
    )
    assert codes(part) == [f"{code}//SNOMED/44054006"]


def test_a_death_without_its_time_is_told_and_not_known_from_birth_on() -> None:
    part = mapped({**PATIENT, "deceasedBoolean": True})
    assert codes(part) == ["MEDS_BIRTH", "GENDER//female"]
    assert outcomes(part) == [("partly", None, 2)]
    assert part.outcomes["left_out"].to_list() == [["deceasedBoolean"]]
    assert part.elements["Patient", "deceasedBoolean", "without its time it would be known from birth on"] == 1


def test_birth_has_its_time_and_race_and_ethnicity_are_those_of_us_core() -> None:
    def extension(name: str, *inner: dict[str, Any]) -> dict[str, Any]:
        return {"url": f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}", "extension": list(inner)}

    def category(code: str) -> dict[str, Any]:
        coding = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code}
        return {"url": "ombCategory", "valueCoding": coding}

    born = {
        "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
        "valueDateTime": "1960-05-05T14:35:45-05:00",
    }
    patient = {
        **PATIENT,
        "_birthDate": {"extension": [born]},
        "extension": [
            extension("race", category("2106-3"), category("2028-9"), {"url": "text", "valueString": "Mixed"}),
            extension("ethnicity", {"url": "text", "valueString": "unknown"}),
        ],
    }
    part = mapped(patient)
    assert part.events.select("code", "offset", "precision").rows()[0] == ("MEDS_BIRTH", -300, None)
    system = "urn:oid:2.16.840.1.113883.6.238"
    assert codes(part)[2:] == [f"RACE//{system}/2106-3", f"RACE//{system}/2028-9", "ETHNICITY//unknown"]
    plain = mapped(patient, profile="clmbr")
    assert codes(plain)[:4] == ["SNOMED/3950001", "Gender/F", "Race/5", "Race/2"]


def test_a_visit_has_its_class_its_type_its_discharge_and_its_end() -> None:
    visit = resource(
        "Encounter",
        period={"start": "2024-03-05T08:00:00Z", "end": "2024-03-05T09:00:00Z"},
        type=[concept("1"), concept("2")],
        hospitalization={"dischargeDisposition": {"coding": [{"code": "home"}]}},
    ) | {"class": {"code": "IMP"}}
    part = mapped(visit)
    assert codes(part) == [
        "ENCOUNTER_START//IMP",
        "ENCOUNTER_TYPE//SNOMED/1",
        "ENCOUNTER_TYPE//SNOMED/2",
        "ENCOUNTER_END//IMP",
        "DISCHARGE_DISPOSITION//home",
    ]
    assert set(part.events["visit_id"]) == {"x"}
    assert part.events["end"].is_not_null().to_list() == [True, False, False, False, False]
    assert codes(mapped(visit, profile="meds_etl")) == ["Visit/IP", "SNOMED/1", "SNOMED/2", "home"]


@pytest.mark.parametrize(("value", "unit"), [(1000, "mg"), (1, "g")])
def test_doses_in_different_units_have_different_codes(value: int, unit: str) -> None:
    dosage = {"dose": {"value": value, "unit": unit}}
    part = mapped(
        resource("MedicationAdministration", effectiveDateTime=NOON, medicationCodeableConcept=ASPIRIN, dosage=dosage)
    )
    assert part.events.select("code", "numeric_value", "unit").rows() == [
        (f"MEDICATION_GIVEN//RxNorm/1191//{unit}", float(value), unit)
    ]


def note(*attachments: tuple[str, bytes]) -> dict[str, Any]:
    content = [
        {"attachment": {"contentType": kind, "data": base64.b64encode(data).decode()}} for kind, data in attachments
    ]
    return resource("DocumentReference", date=NOON, content=content)


def test_a_note_is_one_event_in_its_best_format_and_one_for_each_page() -> None:
    twice = mapped(note(("text/rtf", rb"{\rtf1\ansi No fever.\par}"), ("text/plain", b"No fever.")))
    assert twice.events["text_value"].to_list() == ["No fever."]
    pages = mapped(note(("text/plain", b"one"), ("text/plain", b"two"), ("application/pdf", b"%PDF")))
    assert pages.events["text_value"].to_list() == ["one", "two"]
    assert outcomes(pages) == [("partly", None, 2)]
    html = mapped(note(("text/html", b"<p>No&nbsp;<b>fever</b>.</p>")))
    assert html.events["text_value"].to_list() == ["No fever."]


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset", "history"])
def test_a_bundle_is_read_entry_by_entry_on_a_line_and_as_a_document(kind: str) -> None:
    both = bundle(kind, PATIENT, observation("o"))
    wanted = ["MEDS_BIRTH", "GENDER//female", "LAB//LOINC/2160-0//mg/dL"]
    assert codes(mapped(both)) == codes(mapped(both, is_document=True)) == wanted
    assert mapped(both).events["event"].to_list() == [0, 1, 2]
    assert (
        outcomes(mapped(bundle(kind, both)))
        == outcomes(mapped(both))
        == [("converted", None, 2), ("converted", None, 1)]
    )


def test_what_is_nested_without_end_costs_its_own_record_only() -> None:
    deep: Any = []
    for _ in range(800):
        deep = [deep]
    part = mapped(bundle("batch", {**PATIENT, "status": deep}, PATIENT | {"id": "p2"}))
    assert outcomes(part) == [("unreadable", "nested without end", 0), ("converted", None, 2)]


def test_plain_codes_have_the_value_that_is_a_concept_as_text() -> None:
    part = mapped(observation("o", valueQuantity=None, valueCodeableConcept=DIABETES), profile="meds_etl")
    assert part.events.select("code", "text_value").rows() == [("LOINC/2160-0", "SNOMED/44054006")]


@pytest.mark.parametrize("profile", ["meds_etl", "clmbr"])
def test_codes_of_others_have_none_for_a_suspicion_or_an_allergy(profile: Profile) -> None:
    status = {"coding": [{"code": "provisional"}]}
    suspected = resource("Condition", code=DIABETES, recordedDate=NOON, verificationStatus=status)
    allergy = resource("AllergyIntolerance", code=ASPIRIN, recordedDate=NOON) | {"patient": SUBJECT}
    part = mapped(suspected, allergy, profile=profile)
    assert outcomes(part) == [("ignored", "input.codes has no code for it", 0)] * 2
    assert codes(mapped(suspected)) == ["CONDITION_SUSPECTED//SNOMED/44054006"]
