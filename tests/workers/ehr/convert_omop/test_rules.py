"""The rules that come with the product, over rows as tables of OMOP 5.3 and 5.4 have them; events by hand."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate
from workers.ehr.convert_omop.collection import RULES
from workers.ehr.convert_omop.concepts import Concepts
from workers.ehr.convert_omop.mapper import OmopMapper
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.meds.rulefile import load_rules

CONCEPTS = Concepts(
    pl.DataFrame(
        {
            "concept_id": [3016723, 8840, 9201, 32037, 8536, 8527],
            "vocabulary_id": ["LOINC", "UCUM", "Visit", "Visit", "CMS Place of Service", "Race"],
            "concept_code": ["2160-0", "mg/dL", "IP", "OMOP4822460", "12", "5"],
            "concept_name": ["Creatinine", "mg/dL", "Inpatient", "Intensive care", "Home", "White"],
        }
    )
)
START, END = datetime(2024, 3, 5, 10), datetime(2024, 3, 6, 12)


def events(table: str, **columns: Any) -> list[dict[str, Any]]:
    """What one row of a table becomes: what is not null of each event, without its place."""
    frame = pl.DataFrame({"person_id": 1, **columns})
    rules = load_rules(OmopRules, None, RULES, StorageSettings())
    part = OmopMapper(rules, CONCEPTS).part(table, Rows(0, frame, pl.Series([None], dtype=pl.String)), file=0)
    assert set(part.outcomes["outcome"]) == {"converted"}
    kept = part.events.drop("subject", "file", "position", "event")
    return [{name: value for name, value in row.items() if value is not None} for row in kept.to_dicts()]


@pytest.mark.parametrize(
    ("operator", "word"),
    [(4171756, "<"), (4171754, "<="), (4172704, ">"), (4171755, ">="), (4172703, None), (0, None), (None, None)],
)
def test_the_operator_of_a_number_is_its_text(operator: int | None, word: str | None) -> None:
    (event,) = events(
        "measurement",
        measurement_concept_id=3016723,
        measurement_datetime=START,
        operator_concept_id=pl.Series([operator], dtype=pl.Int64),
        value_as_number=0.5,
        unit_concept_id=8840,
        range_low=0.25,
        range_high=1.5,
        visit_occurrence_id=77,
    )
    text = {} if word is None else {"text_value": word}
    assert event == {
        "time": START,
        "code": "LAB//LOINC/2160-0//mg/dL",
        "numeric_value": 0.5,
        **text,
        "unit": "mg/dL",
        "range_low": 0.25,
        "range_high": 1.5,
        "visit_id": "77",
    }


@pytest.mark.parametrize(
    ("admitted", "discharged"),
    [
        ("admitted_from_concept_id", "discharged_to_concept_id"),
        ("admitting_source_concept_id", "discharge_to_concept_id"),
    ],
)
def test_a_visit_has_its_id_its_end_and_where_the_patient_came_from_and_went(admitted: str, discharged: str) -> None:
    visit = {"visit_occurrence_id": "77", "visit_concept_id": 9201, admitted: 8536, discharged: 8536}
    found = events("visit_occurrence", **visit, visit_start_datetime=START, visit_end_datetime=END)
    assert found == [
        {"time": START, "end": END, "code": "ENCOUNTER_START//Visit/IP", "visit_id": "77"},
        {"time": END, "code": "ENCOUNTER_END//Visit/IP", "visit_id": "77"},
        {"time": START, "code": "ADMITTED_FROM//CMS Place of Service/12", "visit_id": "77"},
        {"time": END, "code": "DISCHARGE_DISPOSITION//CMS Place of Service/12", "visit_id": "77"},
    ]


def test_a_stay_on_an_intensive_care_unit_begins_and_ends_within_its_visit() -> None:
    found = events(
        "visit_detail",
        visit_detail_concept_id=32037,
        visit_detail_start_datetime=START,
        visit_detail_end_datetime=END,
        visit_occurrence_id=77,
    )
    assert found == [
        {"time": START, "end": END, "code": "VISIT_DETAIL_START//Visit/OMOP4822460", "visit_id": "77"},
        {"time": END, "code": "VISIT_DETAIL_END//Visit/OMOP4822460", "visit_id": "77"},
    ]


def test_a_device_is_an_event_with_its_days() -> None:
    found = events(
        "device_exposure",
        device_concept_id=0,
        device_source_value="stent",
        device_exposure_start_date=date(2024, 3, 5),
        device_exposure_end_date=date(2024, 3, 9),
        quantity=2,
    )
    assert found == [
        {
            "time": datetime(2024, 3, 5),
            "precision": "day",
            "end": datetime(2024, 3, 9, 23, 59, 59, 999999),
            "code": "DEVICE//SOURCE/stent",
            "numeric_value": 2.0,
        }
    ]


def test_a_drug_has_its_end_and_the_unit_of_its_dose() -> None:
    (event,) = events(
        "drug_exposure",
        drug_source_value="aspirin",
        drug_exposure_start_datetime=START,
        drug_exposure_end_datetime=END,
        quantity=100,
        dose_unit_source_value="mg",
    )
    assert event == {
        "time": START, "end": END, "code": "MEDICATION//SOURCE/aspirin//mg", "numeric_value": 100.0, "unit": "mg"
    }  # fmt: skip


def test_a_condition_and_a_procedure_have_their_ends() -> None:
    (condition,) = events(
        "condition_occurrence",
        condition_source_value="I21",
        condition_start_datetime=START,
        condition_end_date=date(2024, 3, 6),
    )
    assert condition["end"] == datetime(2024, 3, 6, 23, 59, 59, 999999)
    (procedure,) = events(
        "procedure_occurrence", procedure_source_value="PCI", procedure_datetime=START, procedure_end_datetime=END
    )
    assert procedure["end"] == END


def test_a_person_has_birth_to_the_hour_race_and_ethnicity() -> None:
    found = events("person", birth_datetime=START, race_concept_id=8527, ethnicity_source_value="Hispanic")
    assert found == [
        {"time": START, "code": "MEDS_BIRTH"},
        {"code": "RACE//Race/5"},
        {"code": "ETHNICITY//SOURCE/Hispanic"},
    ]


def test_a_death_has_its_cause() -> None:
    found = events("death", death_datetime=END, cause_source_value="I21")
    assert [event["code"] for event in found] == ["MEDS_DEATH", "DEATH_CAUSE//SOURCE/I21"]


def test_a_number_that_cannot_be_read_is_named_and_the_event_kept() -> None:
    row = {"person_id": 1, "measurement_source_value": "K", "measurement_date": "2024-03-05"}
    frame = pl.DataFrame({**row, "value_as_number": ["4"], "range_low": ["low"]})
    rules = load_rules(OmopRules, None, RULES, StorageSettings())
    part = OmopMapper(rules, CONCEPTS).part("measurement", Rows(0, frame, pl.Series([None], dtype=pl.String)), file=0)
    assert part.outcomes.select("outcome", "reason").rows() == [
        ("partly", "it has a time or number that cannot be read")
    ]


def test_a_text_by_words_that_are_nowhere_is_refused() -> None:
    rule = {"events": [{"code": ["A"], "text": "a_concept_id@sign?"}]}
    with pytest.raises(SpecError, match="@sign"):
        validate(OmopRules, {"tables": {"a": rule}}, "rules")
