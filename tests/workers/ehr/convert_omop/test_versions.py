"""Which of several rows with one primary key counts."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.support.omop_tables import STANDARD, mapped
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.convert_omop.versions import OLDER, REPEATED, SHARED, seen_rows, superseded


def told(table: str, *files: list[dict[str, Any]]) -> dict[tuple[int, int], str]:
    """What is said of rows, by file and number of the row."""
    seen = []
    for number, rows in enumerate(files):
        names = list(dict.fromkeys(name for row in rows for name in row))
        frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
        broken = pl.Series([None] * len(rows), dtype=pl.String)
        seen.append(seen_rows(Rows(0, frame, broken), number, table, STANDARD.tables[table]))
    found = superseded(pl.concat(seen))
    return {(file, position): reason for file, position, _, reason in found.iter_rows()}


def lab(key: int | None, value: float, person: int = 1, **more: Any) -> dict[str, Any]:
    return {"measurement_id": key, "person_id": person, "value_as_number": value, "measurement_date": "2024", **more}


@pytest.mark.parametrize(
    ("files", "reasons"),
    [
        ([[lab(1, 5.0), lab(2, 5.0)]], {}),
        ([[lab(1, 5.0), lab(1, 5.0)]], {(0, 0): REPEATED}),
        ([[lab(1, 5.0)], [lab(1, 5.0)]], {(0, 0): REPEATED}),
        ([[lab(1, 5.0)], [lab(1, 6.0)]], {(0, 0): OLDER}),
        ([[lab(1, 5.0), lab(1, 6.0)], [lab(1, 5.0)]], {(0, 0): REPEATED, (0, 1): OLDER}),
        # A column that only one of the files has, without anything in it.
        ([[lab(1, 5.0)], [lab(1, 5.0, range_low=None)]], {(0, 0): REPEATED}),
        ([[lab(None, 5.0), lab(None, 5.0)]], {}),
        ([[lab(1, 5.0, person=1)], [lab(1, 5.0, person=2)]], {(0, 0): SHARED, (1, 0): SHARED}),
        (
            [[lab(1, 5.0, person=1), lab(1, 5.0, person=1)], [lab(1, 5.0, person=2)]],
            {(0, 0): REPEATED, (0, 1): SHARED, (1, 0): SHARED},
        ),
    ],
)
def test_the_last_row_of_a_person_with_a_key_counts(
    files: list[list[dict[str, Any]]], reasons: dict[tuple[int, int], str]
) -> None:
    assert told("measurement", *files) == reasons


def test_a_person_is_one_and_dies_once() -> None:
    assert told("person", [{"person_id": 1, "year_of_birth": 1950}, {"person_id": 1, "year_of_birth": 1951}]) == {
        (0, 0): OLDER
    }
    death = {"person_id": 1, "death_date": "2024-01-01"}
    assert told("death", [death, death, {"person_id": 2, "death_date": "2024-01-01"}]) == {(0, 0): REPEATED}


def test_a_table_without_its_key_has_no_row_twice() -> None:
    assert told("measurement", [{"person_id": 1, "value_as_number": 5.0}] * 2) == {}


def test_rows_that_could_not_be_read_are_not_compared() -> None:
    rows = Rows(0, pl.DataFrame({"measurement_id": [1, 1], "person_id": [1, 1]}), pl.Series([None, "not CSV"]))
    assert seen_rows(rows, 0, "measurement", STANDARD.tables["measurement"]).height == 1


def test_every_table_of_the_standard_rules_names_the_key_of_its_rows() -> None:
    assert {name for name, table in STANDARD.tables.items() if table.key is None} == set()


def test_a_row_of_which_another_counts_gives_no_event_and_one_whose_key_is_shared_does() -> None:
    rows = [lab(1, 5.0, measurement_source_value="K", measurement_date="2024-01-01") for _ in range(3)]
    known = pl.DataFrame({"file": [0, 0], "position": [0, 2], "number": [0, 0], "reason": [REPEATED, SHARED]})
    part = mapped("measurement", rows, superseded=known)
    assert part.outcomes.select("outcome", "reason", "n_events").rows() == [
        ("ignored", REPEATED, 0),
        ("converted", None, 1),
        ("partly", SHARED, 1),
    ]
