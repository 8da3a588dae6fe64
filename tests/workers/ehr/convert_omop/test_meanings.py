"""Statuses, qualifiers and modifiers: what each makes of the code beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.omop_tables import STANDARD, mapped
from workers.ehr.meds.rules import Profile

DIABETES = {"person_id": 1, "condition_concept_id": 44054006, "condition_start_date": "2024-03-05"}
STATUS = "condition_status_concept_id"
WORD = "condition_status_source_value"


def one(table: str, row: dict[str, Any], profile: Profile = "wardround") -> tuple[list[tuple[str, str | None]], str]:
    """Codes and qualifiers of the events of a row, and its outcome or the reason for it."""
    part = mapped(table, [row], profile)
    (outcome,) = part.outcomes.select("outcome", "reason").rows()
    return part.events.select("code", "qualifier").rows(), outcome[1] or outcome[0]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({STATUS: 4132135}, "ruled out"),
        ({WORD: "Ruled out"}, "ruled out"),
        ({WORD: "Condition ruled out"}, "ruled out"),
        ({WORD: "excluded"}, "ruled out"),
        ({WORD: "REFUTED"}, "ruled out"),
        ({STATUS: 32902, WORD: "Definitely NOT present"}, "ruled out"),
        ({WORD: "Family_history"}, "of a relative"),
        ({WORD: "entered-in-error"}, "entered in error"),
    ],
)
def test_a_diagnosis_that_does_not_hold_is_ignored_with_what_its_status_says(status: dict[str, Any], said: str) -> None:
    assert one("condition_occurrence", {**DIABETES, **status}) == ([], f"its condition_status says: {said}")


@pytest.mark.parametrize(
    ("status", "qualifier"),
    [
        ({STATUS: 32899}, "Preliminary diagnosis"),
        ({STATUS: 4033240}, "Preliminary diagnosis"),
        ({STATUS: 32892}, "Condition to be diagnosed by procedure"),
        ({STATUS: 40481925}, "Suspected"),
        ({STATUS: 0, WORD: "Cannot be excluded"}, "Cannot be excluded"),
        ({WORD: "not ruled out"}, "not ruled out"),
        ({WORD: "R/O"}, "R/O"),
        ({WORD: "differential"}, "differential"),
    ],
)
def test_a_suspicion_is_no_diagnosis(status: dict[str, Any], qualifier: str) -> None:
    found = one("condition_occurrence", {**DIABETES, **status})
    assert found == ([("CONDITION_SUSPECTED//SNOMED/44054006", qualifier)], "converted")


@pytest.mark.parametrize("status", [{STATUS: 32906}, {WORD: "History of"}, {WORD: "resolved"}])
def test_a_condition_of_the_past_is_none_of_today(status: dict[str, Any]) -> None:
    ((code, _),), outcome = one("condition_occurrence", {**DIABETES, **status})
    assert (code, outcome) == ("CONDITION_HISTORY//SNOMED/44054006", "converted")


@pytest.mark.parametrize(
    ("status", "qualifier"),
    [
        ({STATUS: 32890}, "Admission diagnosis"),
        ({STATUS: 4203942}, "Admitting diagnosis"),
        ({STATUS: 4230359}, "Final diagnosis"),
        ({STATUS: 32903}, "Primary discharge diagnosis"),
        ({STATUS: 32893, WORD: "C"}, "Confirmed diagnosis"),
        ({WORD: "Confirmed"}, "Confirmed"),
        ({STATUS: 0}, None),
        ({}, None),
    ],
)
def test_a_diagnosis_that_holds_has_its_status_as_qualifier(status: dict[str, Any], qualifier: str | None) -> None:
    found = one("condition_occurrence", {**DIABETES, **status})
    assert found == ([("CONDITION//SNOMED/44054006", qualifier)], "converted")


def test_a_status_that_no_rule_knows_is_kept_and_named() -> None:
    part = mapped("condition_occurrence", [{**DIABETES, WORD: "Stufe 3"}])
    assert part.events["qualifier"].to_list() == ["Stufe 3"]
    assert part.outcomes["outcome"].to_list() == ["partly"]
    named = {column: reason for (_, column, reason) in part.elements if reason}
    assert named == {WORD: "no rule knows what it means: it is the qualifier as it is"}


@pytest.mark.parametrize("profile", ["meds_etl", "clmbr"])
@pytest.mark.parametrize("status", [{STATUS: 32899}, {STATUS: 32906}])
def test_codes_of_others_have_none_for_a_suspicion(profile: Profile, status: dict[str, Any]) -> None:
    assert one("condition_occurrence", {**DIABETES, **status}, profile) == ([], "input.codes has no code for it")
    assert one("condition_occurrence", DIABETES, profile) == ([("SNOMED/44054006", None)], "converted")


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("Not given", "its stop_reason says: not done"), ("patient refused", "its stop_reason says: not done")],
)
def test_a_drug_that_was_not_given_is_no_event(reason: str, outcome: str) -> None:
    row = {"person_id": 1, "drug_source_value": "aspirin", "drug_exposure_start_date": "2024-03-05"}
    assert one("drug_exposure", {**row, "stop_reason": reason}) == ([], outcome)


def test_why_a_drug_was_stopped_is_known_when_it_was() -> None:
    row = {"person_id": 1, "drug_source_value": "aspirin", "drug_exposure_start_date": "2024-03-05"}
    part = mapped("drug_exposure", [{**row, "drug_exposure_end_date": "2024-03-09", "stop_reason": "Rash"}])
    assert [
        (f"{time:%d}", code, text) for time, code, text in part.events.select("time", "code", "text_value").rows()
    ] == [
        ("05", "MEDICATION//SOURCE/aspirin", None),
        ("09", "MEDICATION_STOPPED//SOURCE/aspirin", "Rash"),
    ]


@pytest.mark.parametrize("modifier", ["Procedure not done", "Cancelled", "not performed"])
def test_a_procedure_that_was_not_done_is_no_event(modifier: str) -> None:
    row = {"person_id": 1, "procedure_source_value": "PCI", "procedure_date": "2024-03-05"}
    assert one("procedure_occurrence", {**row, "modifier_source_value": modifier}) == (
        [],
        "its modifier says: not done",
    )
    assert one("procedure_occurrence", {**row, "modifier_source_value": "left"})[0] == [
        ("PROCEDURE//SOURCE/PCI", "left")
    ]


OBSERVED = {"person_id": 1, "observation_concept_id": 44054006, "observation_date": "2024-03-05"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"qualifier_concept_id": 4132135}, ([], "its qualifier says: ruled out")),
        ({"qualifier_source_value": "family history"}, ([], "its qualifier says: of a relative")),
        (
            {"qualifier_source_value": "history of"},
            ([("OBSERVATION_QUALIFIED//SNOMED/44054006//SOURCE/history of", "history of")], "converted"),
        ),
        ({"value_as_string": "no"}, ([("OBSERVATION_QUALIFIED//SNOMED/44054006//no", None)], "converted")),
        ({"value_as_string": "denies"}, ([("OBSERVATION_QUALIFIED//SNOMED/44054006//denies", None)], "converted")),
        ({"value_as_string": "type 2"}, ([("OBSERVATION//SNOMED/44054006", None)], "converted")),
        ({"value_as_concept_id": 45877994}, ([("OBSERVATION//SNOMED/44054006//SNOMED/373066001", None)], "converted")),
    ],
)
def test_an_observation_that_negates_is_told_apart_from_one_that_does_not(more: dict[str, Any], found: Any) -> None:
    assert one("observation", {**OBSERVED, **more}) == found


def test_every_standard_status_of_a_condition_has_a_meaning() -> None:
    known = {number for rule in STANDARD.meanings.values() for number in rule.concepts}
    assert set(range(32890, 32912)) <= known
