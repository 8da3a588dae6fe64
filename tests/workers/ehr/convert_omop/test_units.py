"""Amounts in several units, and signs before numbers: never one code with numbers that mean different things."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.omop_tables import mapped

Event = tuple[str, float | None, str | None, str | None]


def events(table: str, *rows: dict[str, Any]) -> list[Event]:
    """Code, number, text and unit of each."""
    day = {"measurement": "measurement_date", "drug_exposure": "drug_exposure_start_date"}
    date = day.get(table) or {"device_exposure": "device_exposure_start_date"}.get(table) or f"{table}_date"
    part = mapped(table, [{"person_id": 1, date: "2024-03-05", **row} for row in rows])
    return part.events.select("code", "numeric_value", "text_value", "unit").rows()


@pytest.mark.parametrize(
    ("table", "start"),
    [
        ("measurement", {"measurement_source_value": "x", "value_as_number": None}),
        ("observation", {"observation_source_value": "x", "value_as_number": None}),
        ("device_exposure", {"device_source_value": "x", "quantity": None}),
        ("specimen", {"specimen_source_value": "x", "quantity": None}),
    ],
)
def test_milligrams_and_grams_are_two_codes(table: str, start: dict[str, Any]) -> None:
    (value,) = (name for name, said in start.items() if said is None)
    found = events(
        table, {**start, value: 1000.0, "unit_concept_id": 8576}, {**start, value: 1.0, "unit_source_value": "gram"}
    )
    codes = [code.rpartition("//")[2] for code, *_ in found]
    assert (codes, [number for _, number, *_ in found]) == (["mg", "g"], [1000.0, 1.0])
    assert [unit for *_, unit in found] == ["mg", "g"]


def test_a_dose_is_told_apart_by_its_unit() -> None:
    drug = {"drug_source_value": "x"}
    found = events(
        "drug_exposure",
        {**drug, "quantity": 1000, "dose_unit_source_value": "MG"},
        {**drug, "quantity": 1, "dose_unit_source_value": "g"},
        {**drug, "quantity": 30},
    )
    assert found == [
        ("MEDICATION//SOURCE/x//mg", 1000.0, None, "mg"),
        ("MEDICATION//SOURCE/x//g", 1.0, None, "g"),
        ("MEDICATION//SOURCE/x", 30.0, None, None),
    ]


@pytest.mark.parametrize("unit", ["mg/dL", "MG/DL", "mg/dl", " mg/dl "])
def test_one_unit_has_one_spelling_whoever_wrote_it(unit: str) -> None:
    row = {"measurement_concept_id": 3016723, "value_as_number": 1.0}
    found = events("measurement", {**row, "unit_source_value": unit}, {**row, "unit_concept_id": 8840})
    assert {code for code, *_ in found} == {"LAB//LOINC/2160-0//mg/dL"}


def test_a_unit_that_the_concept_table_lacks_is_what_the_source_calls_it_else_its_number() -> None:
    row = {"measurement_concept_id": 3016723, "value_as_number": 1.0, "unit_concept_id": 8751}
    found = events("measurement", {**row, "unit_source_value": "mg/l"}, row)
    assert [unit for *_, unit in found] == ["mg/L", "8751"]


@pytest.mark.parametrize(
    ("said", "number", "operator", "text"),
    [
        ("<0.3", 0.3, None, "<"),
        ("< 0.3 mg/dL", 0.3, 0, "<"),
        (">=  250", 250.0, None, ">="),
        ("≤5", 5.0, None, "<="),
        ("<0.3", 0.3, 4172703, "<"),
        ("<0.3", 0.3, 4171754, "<="),
        ("<0.3", 0.15, None, "<0.3"),
        ("0.3", 0.3, None, None),
        ("0.3", 0.3, 4171756, "<"),
        (None, 0.3, None, None),
        ("-3", -3.0, None, None),
    ],
)
def test_the_sign_before_a_number_is_kept(
    said: str | None, number: float, operator: int | None, text: str | None
) -> None:
    row = {"measurement_concept_id": 3016723, "value_as_number": number, "unit_concept_id": 8840}
    ((code, value, found, _),) = events(
        "measurement", {**row, "value_source_value": said, "operator_concept_id": operator}
    )
    assert (code, found) == ("LAB//LOINC/2160-0//mg/dL", text)
    assert value == pytest.approx(number)


def test_a_value_that_is_a_concept_beside_a_number_is_its_interpretation() -> None:
    row = {"person_id": 1, "measurement_concept_id": 3016723, "measurement_date": "2024-03-05", "value_as_number": 9.0}
    part = mapped("measurement", [{**row, "value_as_concept_id": 45877994}])
    assert part.events.select("numeric_value", "interpretation").rows() == [(9.0, "Yes")]
