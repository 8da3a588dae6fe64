"""`input.codes`: rows as meds_etl's ETL and CLMBR's vocabulary name them; each code by hand from what they publish."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.omop_tables import mapped
from workers.ehr.meds.rules import Profile

DAY = "2024-03-05"


def codes(table: str, row: dict[str, Any], profile: Profile) -> list[str]:
    """Codes of one row's events."""
    return mapped(table, [{"person_id": 1, **row}], profile).events["code"].to_list()


DRUG = {"drug_source_value": "x", "drug_exposure_start_date": DAY, "quantity": 2, "dose_unit_source_value": "mg"}


@pytest.mark.parametrize(
    ("table", "row", "wanted"),
    [
        ("visit_occurrence", {"visit_concept_id": 9201, "visit_start_date": DAY, "visit_end_date": DAY}, ["Visit/IP"]),
        ("visit_occurrence", {"visit_concept_id": 0, "visit_start_date": DAY}, ["Visit/UNK"]),
        ("condition_occurrence", {"condition_concept_id": 44054006, "condition_start_date": DAY}, ["SNOMED/44054006"]),
        ("condition_occurrence", {"condition_source_value": "E11", "condition_start_date": DAY}, ["SOURCE/E11"]),
        ("observation_period", {"observation_period_id": 1, "observation_period_start_date": DAY}, []),
        ("note", {"note_date": DAY, "note_text": "Well."}, ["LOINC/34109-9"]),
        ("drug_exposure", {"drug_concept_id": 0, **DRUG}, ["SOURCE/x"]),
    ],
)
@pytest.mark.parametrize("profile", ["meds_etl", "clmbr"])
def test_each_table_has_the_code_that_a_foreign_vocabulary_knows(
    table: str, row: dict[str, Any], wanted: list[str], profile: Profile
) -> None:
    assert codes(table, row, profile) == wanted


@pytest.mark.parametrize(
    ("profile", "birth", "death"),
    [("meds_etl", "MEDS_BIRTH", "MEDS_DEATH"), ("clmbr", "SNOMED/3950001", "SNOMED/419620001")],
)
def test_birth_and_death_have_the_codes_of_each(profile: Profile, birth: str, death: str) -> None:
    assert codes("person", {"year_of_birth": 1950}, profile) == [birth]
    assert codes("death", {"death_date": DAY, "cause_source_value": "I21"}, profile) == [death]


def test_a_measurement_is_its_concept_alone_with_its_unit_in_a_column() -> None:
    row = {"measurement_concept_id": 3016723, "measurement_date": DAY, "value_as_number": 1.5, "unit_concept_id": 8840}
    for profile in ("meds_etl", "clmbr"):
        part = mapped("measurement", [{"person_id": 1, **row}], profile)
        assert part.events.select("code", "numeric_value", "unit").rows() == [("LOINC/2160-0", 1.5, "mg/dL")]


def test_an_answer_that_is_a_concept_is_the_text_of_its_question() -> None:
    row = {"measurement_concept_id": 3016723, "measurement_date": DAY, "value_as_concept_id": 4132135}
    part = mapped("measurement", [{"person_id": 1, **row}], "meds_etl")
    assert part.events.select("code", "text_value").rows() == [("LOINC/2160-0", "Absent")]


def test_meds_etl_takes_the_concept_of_the_source_first_and_clmbr_the_standard_one() -> None:
    row = {
        "condition_concept_id": 44054006, "condition_source_concept_id": 45877994, "condition_start_date": DAY
    }  # fmt: skip
    assert codes("condition_occurrence", row, "meds_etl") == ["SNOMED/373066001"]
    assert codes("condition_occurrence", row, "clmbr") == ["SNOMED/44054006"]
    assert codes("condition_occurrence", {**row, "condition_source_concept_id": 0}, "meds_etl") == ["SNOMED/44054006"]
