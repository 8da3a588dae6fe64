"""Rows of OMOP tables with every column of CDM 5.3 and 5.4, made by the types that their names say."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from cluster.storage import StorageSettings
from workers.ehr.convert_omop.collection import RULES
from workers.ehr.convert_omop.concepts import Concepts
from workers.ehr.convert_omop.mapper import OmopMapper
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.meds.parts import Part
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.rules import Profile

COLUMNS: dict[str, list[str]] = json.loads((Path(__file__).parent.parent / "cases/omop-cdm/columns.json").read_text())
"""Columns of each table with a person, of both versions of the CDM together."""

CONCEPTS = Concepts(
    pl.DataFrame(
        {
            "concept_id": [3016723, 8840, 8576, 8504, 9201, 4132135, 45877994, 44054006, 40481925, 3950001],
            "vocabulary_id": ["LOINC", "UCUM", "UCUM", "UCUM", "Visit", *["SNOMED"] * 5],
            "concept_code": [
                "2160-0",
                "mg/dL",
                "mg",
                "g",
                "IP",
                "2667000",
                "373066001",
                "44054006",
                "415684004",
                "3950001",
            ],
            "concept_name": [
                *("Creatinine", "milligram per deciliter", "milligram", "gram", "Inpatient"),
                *("Absent", "Yes", "Type 2 diabetes mellitus", "Suspected", "Birth"),
            ],
        }
    )
)
STANDARD: OmopRules = load_rules(OmopRules, None, RULES, StorageSettings())


def mapped(
    table: str, rows: list[dict[str, Any]], profile: Profile = "wardround", superseded: pl.DataFrame | None = None
) -> Part:
    """Rows of one table, mapped by the standard rules; a key that a row lacks is null there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    frame = pl.DataFrame({name: pl.Series([row.get(name) for row in rows], strict=False) for name in names})
    mapper = OmopMapper(STANDARD, CONCEPTS, profile)
    wanted = mapper.wanted(table)
    others = pl.DataFrame([frame[name].is_not_null() for name in names if name not in wanted])
    broken = pl.Series([None] * len(rows), dtype=pl.String)
    read = Rows(0, frame.select([name for name in names if name in wanted]), broken, others=others)
    return mapper.part(table, read, 0, superseded)


def whole_row(table: str, number: int) -> dict[str, Any]:
    """A row in which every column says something; two in three of those that hold concepts are 0."""
    return {name: _value(name, number, at) for at, name in enumerate(COLUMNS[table])}


def _value(name: str, number: int, at: int) -> Any:
    moment = datetime(2024, 3, 5, 10) + timedelta(days=number, minutes=at)
    if name == "person_id":
        return 1 + number
    if name in ("year_of_birth", "month_of_birth", "day_of_birth"):
        return {"y": 1950, "m": 1 + number % 12, "d": 1 + number % 28}[name[0]]
    if name.endswith("_concept_id"):
        return 44054006 if name.split("_")[0] == "condition" and "status" in name else 3016723 + at
    if name.endswith("_datetime"):
        return moment
    if name.endswith(("_date",)):
        return moment.date()
    if name.endswith("_id") or name in ("refills", "days_supply", "episode_number"):
        return 1000 * number + at
    if name in ("value_as_number", "quantity", "range_low", "range_high"):
        return float(number + at)
    return "left" if "qualifier" in name or "modifier" in name else f"{name} {number}"
