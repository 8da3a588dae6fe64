"""Rows of a task: whose they are depends on nobody else, and each time of prediction is there once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.aces_cases import EVENTS, START, at, expected, task_names, task_texts
from workers.ehr.aces.task import Task, compile_task

NEXT_LAB = """
predicates: {adm: {code: ADM}, lab: {code: LAB}, dis: {code: DIS}}
trigger: adm
windows:
  input: {start: trigger, end: start -> lab, start_inclusive: true, end_inclusive: true, index_timestamp: end}
  target: {start: trigger, end: start + 24h, start_inclusive: false, end_inclusive: true, label: dis}
"""


def task_of(name: str) -> Task:
    return compile_task(*task_texts(name), where=name)


@pytest.mark.parametrize("name", task_names())
def test_rows_of_a_subject_depend_on_nobody_else(name: str) -> None:
    events = pl.read_parquet(EVENTS)
    shard = pl.col("subject_id") // 7 % 5
    parts = [task_of(name).rows(events.filter(shard == number)) for number in range(5)]
    assert pl.concat(parts).sort("subject_id", "prediction_time").equals(expected(name))


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.String()], ids=["dictionary", "text"])
def test_rows_depend_neither_on_the_order_of_events_nor_on_how_codes_are_held(kind: pl.DataType) -> None:
    events = pl.read_parquet(EVENTS).with_columns(pl.col("code").cast(kind))
    mixed = events[np.random.default_rng(1).permutation(events.height)]
    assert task_of("readmission_30d").rows(mixed).equals(expected("readmission_30d"))


def test_no_events_are_no_rows_with_the_same_columns() -> None:
    rows = compile_task(NEXT_LAB).rows(at())
    assert rows.height == 0
    assert rows.schema == {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}


def test_a_file_without_a_label_gives_rows_without_one() -> None:
    task = compile_task(NEXT_LAB.replace(", label: dis", ""))
    assert not task.has_labels
    assert task.rows(at((1, 0, "ADM"), (1, 3, "LAB"))).columns == ["subject_id", "prediction_time"]


def test_a_trigger_whose_window_never_ends_is_no_row() -> None:
    rows = compile_task(NEXT_LAB).rows(at((1, 0, "ADM"), (1, 3, "LAB"), (1, 5, "ADM"), (2, 0, "ADM")))
    assert rows.rows() == [(1, START + timedelta(hours=3), False)]


def test_triggers_that_share_a_time_of_prediction_are_one_row() -> None:
    rows = compile_task(NEXT_LAB).rows(at((1, 0, "ADM"), (1, 1, "ADM"), (1, 3, "LAB")))
    assert rows.rows() == [(1, START + timedelta(hours=3), False)]


def test_one_time_of_prediction_with_both_labels_is_refused_without_saying_whose_it_is() -> None:
    events = at((9876, 0, "ADM"), (9876, 30, "ADM"), (9876, 40, "DIS"), (9876, 50, "LAB"))
    with pytest.raises(SpecError, match="1 times of prediction have both labels") as raised:
        compile_task(NEXT_LAB, where="input.task.aces").rows(events)
    assert "9876" not in str(raised.value)


def test_events_at_one_moment_count_as_one_of_any_and_as_many_of_their_own() -> None:
    text = NEXT_LAB.replace("label: dis", 'label: dis, has: {_ANY_EVENT: "(1, 1)", lab: "(2, 2)"}')
    events = at((1, 0, "ADM"), (1, 3, "LAB"), (1, 3, "LAB"), (1, 3, "DIS"))
    assert compile_task(text).rows(events).rows() == [(1, START + timedelta(hours=3), True)]


def test_an_event_without_a_code_or_a_value_satisfies_no_predicate_on_them() -> None:
    text = NEXT_LAB.replace("{code: LAB}", "{code: {regex: '.*'}, value_min: 0}")
    events = at((1, 0, "ADM"), (1, 1, "LAB"), (1, 2, "LAB")).with_columns(
        numeric_value=pl.Series([None, None, 5.0], dtype=pl.Float32)
    )
    assert compile_task(text).rows(events)["prediction_time"].to_list() == [START + timedelta(hours=2)]
    nameless = events.with_columns(code=pl.when(pl.col("code") == "ADM").then("code"))
    assert compile_task(text).rows(nameless).height == 0


def test_the_columns_that_predicates_look_at_are_named() -> None:
    assert task_of("abnormal_lab").columns == ("subject_id", "time", "code", "numeric_value", "unit")
    assert task_of("readmission_30d").columns == ("subject_id", "time", "code")


def test_a_column_that_the_events_lack_is_named_as_one_that_may_be_a_slip() -> None:
    task = compile_task(NEXT_LAB.replace("{code: LAB}", "{code: LAB, value_mni: 3}"))
    with pytest.raises(SpecError, match="column 'value_mni', which the events do not have"):
        task.rows(at((1, 0, "ADM")))


def test_a_column_of_another_type_than_what_it_is_to_equal_is_refused() -> None:
    task = compile_task(NEXT_LAB.replace("{code: LAB}", "{code: LAB, ward: 3}"))
    with pytest.raises(SpecError, match=r"predicates.lab: column 'ward' is of type String and cannot equal a int"):
        task.rows(at((1, 0, "ADM")).with_columns(ward=pl.lit("3")))


def test_thousands_of_predicates_in_one_or_are_one_look_at_the_events() -> None:
    names = [f"c{number}" for number in range(3000)]
    predicates = "\n".join(f"  {name}: {{code: X//{name}}}" for name in names)
    text = (
        f"predicates:\n{predicates}\n  lab: {{expr: 'or({', '.join(names)})'}}\n"
        + NEXT_LAB[NEXT_LAB.index("trigger") :]
    )
    text = text.replace("predicates:\n", "predicates:\n  adm: {code: ADM}\n  dis: {code: DIS}\n", 1)
    events = at((1, 0, "ADM"), (1, 1, "X//c"), (1, 2, "X//c2999"), (2, 0, "ADM"), (2, 4, "X//c0"))
    assert compile_task(text).rows(events)["prediction_time"].to_list() == [
        START + timedelta(hours=2),
        START + timedelta(hours=4),
    ]
