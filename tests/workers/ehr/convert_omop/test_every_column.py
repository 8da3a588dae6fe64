"""Rows with every column of the OMOP CDM: each is in an event, or is named with a reason."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.support.omop_tables import COLUMNS, STANDARD, mapped, whole_row
from workers.ehr.convert_omop.meanings import UNKNOWN

INTO_ALL = ("person_id", "visit_occurrence_id")
"""Whose an event is and in which visit: not compared here."""


@pytest.mark.parametrize("table", COLUMNS)
def test_each_column_of_twenty_rows_is_converted_or_named_with_a_reason(table: str) -> None:
    rows = [whole_row(table, number) for number in range(20)]
    part = mapped(table, rows)
    assert part.outcomes["n_events"].min() > 0
    told = dict.fromkeys(COLUMNS[table], 0)
    for (kind, column, reason), count in part.elements.items():
        assert kind == table
        assert reason is None or reason.strip()
        told[column] += count
    assert told == dict.fromkeys(COLUMNS[table], 20)


def events_of(table: str, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All that the events of one row say."""
    return mapped(table, [row]).events.drop("file", "position", "event").rows()


@pytest.mark.parametrize("table", COLUMNS)
def test_what_is_named_changes_no_event_and_what_is_converted_does(table: str) -> None:
    row = whole_row(table, 11)
    part, whole = mapped(table, [row]), events_of(table, row)
    converted = {column for (_, column, reason) in part.elements if reason in (None, UNKNOWN)}
    for column in COLUMNS[table]:
        changed = events_of(table, {**row, column: None}) != whole
        if column not in INTO_ALL:
            assert changed == (column in converted), column


def test_columns_that_no_rule_knows_are_named_and_make_a_row_partly_converted() -> None:
    row = {"measurement_source_value": "K", "measurement_date": "2024-03-05", "value_as_number": 4.0}
    rows = [{"person_id": 1, **row, "site_flag": "estimated"}, {"person_id": 2, **row}]
    part = mapped("measurement", rows)
    assert part.elements["measurement", "site_flag", "no rule for it"] == 1
    assert part.outcomes.select("outcome", "left_out").rows() == [("partly", ["site_flag"]), ("converted", None)]


def test_a_column_that_only_ignored_rows_have_is_named() -> None:
    rows = [
        {"person_id": 1, "note_date": "2024-03-05", "note_text": "Well."},
        {"person_id": 1, "note_date": "2024-03-05", "ward": "7"},
    ]
    part = mapped("note", rows)
    assert part.elements["note", "ward", "only rows that give no event say it"] == 1


@pytest.mark.parametrize(
    ("table", "reason"),
    [("drug_era", "derived from other tables"), ("cost", "insurance and costs"), ("x", "no rule for its table")],
)
def test_columns_of_a_table_that_is_not_converted_are_named_by_the_table_s_reason(table: str, reason: str) -> None:
    part = mapped(table, [{"person_id": 1, "drug_concept_id": 5}, {"person_id": 2, "drug_concept_id": None}])
    assert part.outcomes.select("outcome", "reason").rows() == [("ignored", reason)] * 2
    assert part.elements == {(table, "person_id", reason): 2, (table, "drug_concept_id", reason): 1}


def test_the_name_of_a_column_is_not_repeated_where_it_may_be_anything() -> None:
    part = mapped("x", [{"person_id": 1, "erika mustermann, 1950": 5}])
    assert ("x", "?", "no rule for its table") in part.elements


def test_every_meaning_that_rules_name_is_one_that_words_have() -> None:
    tables = STANDARD.tables.values()
    asked = {word for table in tables for words in table.unless.values() for word in words}
    asked |= {
        word for table in tables for event in table.all_events() for words in event.when.values() for word in words
    }
    assert asked <= set(STANDARD.meanings)
    assert pl.Series([word for rule in STANDARD.meanings.values() for word in rule.words]).is_unique().all()
