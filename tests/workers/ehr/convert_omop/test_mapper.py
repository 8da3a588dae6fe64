"""Rules of a few lines over rows of a few columns, the events by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from schemas.errors import SpecError
from workers.ehr.convert_omop.concepts import Concepts
from workers.ehr.convert_omop.mapper import OmopMapper
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.meds.parts import Part

CONCEPTS = Concepts(
    pl.DataFrame(
        {
            "concept_id": [10, 20],
            "vocabulary_id": ["SNOMED", "UCUM"],
            "concept_code": ["22298006", "mg"],
            "concept_name": ["Myocardial infarction", "milligram"],
        }
    )
)
RULES = OmopRules.model_validate(
    {
        "tables": {
            "measurement": {
                "events": [
                    {
                        "one_of": [
                            {
                                "code": ["LAB", "$a_concept_id|$a_source_value|UNK", "$unit_concept_id.code|NO_UNIT"],
                                "time": ["at", "on"],
                                "value": "number",
                            },
                            {"code": ["LAB", "$a_concept_id"], "time": ["at", "on"], "text": "words"},
                        ]
                    },
                    {"code": ["SEEN"], "value": "number?"},
                ]
            },
            "person": {"events": [{"code": ["BIRTH"], "time": ["born", "year/month/day"]}]},
        }
    }
)


def mapped(table: str = "measurement", first: int = 0, broken: list[str | None] | None = None, **columns: Any) -> Part:
    height = len(next(iter(columns.values())))
    reasons = pl.Series(broken or [None] * height, dtype=pl.String)
    return OmopMapper(RULES, CONCEPTS).part(table, Rows(first, pl.DataFrame(columns), reasons), file=3)


def test_an_event_has_its_concept_s_code_and_unit_and_the_place_of_its_row() -> None:
    part = mapped(first=40, person_id=[1], a_concept_id=[10], unit_concept_id=[20], at=["2020-05-03"], number=[1.5])
    code = "LAB//SNOMED/22298006//mg"
    at = datetime(2020, 5, 3)
    said = ["subject", "time", "precision", "code", "numeric_value", "text_value", "file", "position", "event"]
    assert part.events.select(said).rows() == [
        (1, at, "day", code, 1.5, None, 3, 40, 0),
        (1, None, None, "SEEN", 1.5, None, 3, 40, 1),
    ]
    assert part.codes == {code: "Myocardial infarction; milligram", "SEEN": None}


@pytest.mark.parametrize(
    ("concept", "source", "code"),
    [(0, "I21", "SOURCE/I21"), (None, "", "UNK"), (99, "I21", "CONCEPT/99"), ("10", None, "SNOMED/22298006")],
)
def test_a_code_is_the_first_alternative_that_is_there(concept: Any, source: str | None, code: str) -> None:
    part = mapped(person_id=[1], a_concept_id=[concept], a_source_value=[source], at=["2020-05-03"], number=[1])
    assert part.events["code"][0] == f"LAB//{code}//NO_UNIT"


def test_a_time_that_is_said_and_cannot_be_read_is_not_replaced_by_the_next() -> None:
    part = mapped("person", person_id=[1, 2], born=["soon", None], year=[1950, 1950], month=[None, 7], day=[9, None])
    assert part.events.select("subject", "time").rows() == [(2, datetime(1950, 7, 1))]
    assert part.outcomes.select("status", "outcome", "reason").rows() == [
        ("unreadable", "unreadable", "a time or number that cannot be read"),
        ("ok", "converted", None),
    ]


def test_each_row_takes_the_first_alternative_that_gives_it_an_event() -> None:
    part = mapped(
        person_id=[1, 2], a_concept_id=[10, 10], at=["2020-05-03"] * 2, number=[None, 2.0], words=["high", "low"]
    )
    labs = part.events.filter(pl.col("code").str.starts_with("LAB")).sort("subject")
    assert labs.select("subject", "numeric_value", "text_value").rows() == [(1, None, "high"), (2, 2.0, None)]


@pytest.mark.parametrize(
    ("person", "status", "outcome", "reason"),
    [
        (None, "ok", "ignored", "no subject"),
        ("x", "unreadable", "unreadable", "its person is no whole number"),
        ("1.5", "unreadable", "unreadable", "its person is no whole number"),
    ],
)
def test_a_row_without_a_person_says_why(person: Any, status: str, outcome: str, reason: str) -> None:
    part = mapped(person_id=[person], at=["2020-05-03"], number=[1])
    assert part.outcomes.rows() == [(None, status, outcome, reason, "measurement", 0, None)]
    assert part.events.height == 0


def test_a_row_that_could_not_be_read_keeps_its_own_reason() -> None:
    part = mapped(broken=["not CSV", None], person_id=[None, 5], number=[None, "1"])
    assert part.outcomes.select("subject", "outcome", "reason", "n_events").rows() == [
        (None, "unreadable", "not CSV", 0),
        (5, "converted", None, 1),
    ]


def test_a_converted_row_tells_of_a_number_that_it_lost() -> None:
    part = mapped(person_id=[1], number=["<5"])
    assert part.outcomes.select("outcome", "reason", "n_events").rows() == [
        ("partly", "it has a time or number that cannot be read", 1)
    ]


def test_a_table_without_a_rule_is_ignored_row_by_row() -> None:
    part = mapped("cost", person_id=[1, 2])
    assert part.outcomes["reason"].to_list() == ["no rule for its table"] * 2
    assert part.events.height == 0


def test_only_the_columns_that_rules_name_are_wanted() -> None:
    mapper = OmopMapper(RULES, CONCEPTS)
    assert mapper.wanted("person") == {"person_id", "born", "year", "month", "day"}
    assert mapper.wanted("cost") == frozenset()


def test_a_table_without_the_column_of_its_subject_is_an_error_that_names_it() -> None:
    with pytest.raises(SpecError, match="table measurement has no column person_id"):
        mapped(patient=[1], number=[1.5])
    assert mapped(broken=["not CSV"], number=[None]).outcomes["reason"].to_list() == ["not CSV"]


def test_words_for_null_are_as_good_as_missing() -> None:
    part = mapped("person", person_id=["1", "2"], born=["NULL", "NaT"], year=["1950", "1960"], month=["NA", r"\N"])
    assert part.events["time"].to_list() == [datetime(1950, 1, 1), datetime(1960, 1, 1)]
    assert part.outcomes["outcome"].to_list() == ["converted"] * 2


def test_the_clock_s_offset_is_kept_so_that_the_zone_of_the_source_is_not_put_on_top() -> None:
    part = mapped("person", person_id=[1], born=["2020-05-03 05:00:00 -0500"])
    assert part.events.select("time", "offset", "precision").rows() == [(datetime(2020, 5, 3, 5), -300, None)]
