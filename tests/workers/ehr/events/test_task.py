"""For whom and when: settings, label tables, cohorts and rules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import meds
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate
from tests.support.meds_data import write_labels
from workers.ehr.events.index import SubjectIndex
from workers.ehr.events.labels import LabelTable
from workers.ehr.events.planning import predict_batches, predict_schema
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.task import WantedTimes, cohort_of

WHEN = datetime(2024, 1, 1, 8)


def settings(task: dict[str, Any], **others: Any) -> EventsInput:
    return validate(EventsInput, {"collection": "events", "uri": "x", "task": task, **others}, "input")


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ({}, "exactly one of labels, every, at and aces; it has none"),
        ({"labels": "a", "at": "2024-01-01"}, "it has labels and at"),
        ({"label": "a"}, "unknown key 'task.label', did you mean 'labels'"),
        ({"labels": "a", "min_events": 3}, "go with every and at"),
        ({"at": "2024-01-01", "codes": ["A"]}, r"task\.codes goes with task\.every"),
        ({"labels": "a", "predicates": "b"}, r"task\.predicates goes with task\.aces"),
        ({"at": "2024-01-01T00:00:00+01:00"}, "has a time zone"),
        ({"every": "visit"}, "visit_end"),
    ],
)
def test_a_task_that_says_too_little_or_too_much_is_refused(task: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        settings(task)


@pytest.mark.parametrize("at", ["2024-01-01", "2024-01-01T00:00:00", datetime(2024, 1, 1), datetime(2024, 1, 1).date()])
def test_a_date_is_its_midnight_also_after_a_journey_through_json(at: object) -> None:
    task = settings({"at": at})
    assert task.task.at == datetime(2024, 1, 1)
    assert EventsInput.model_validate(task.model_dump(mode="json")) == task


def test_a_rule_has_nothing_to_carry() -> None:
    with pytest.raises(SpecError, match="the task is a rule"):
        settings({"at": "2024-01-01"}, carry=["boolean_value"])


def read(uri: Path, *carry: str) -> pa.Table:
    return LabelTable(str(uri), StorageSettings(), carry).read()


def test_label_files_are_read_in_the_order_of_their_names_and_empty_ones_are_nothing(tmp_path: Path) -> None:
    write_labels(tmp_path / "b.parquet", [(2, WHEN)], boolean_value=[True])
    write_labels(tmp_path / "a" / "z.parquet", [(1, WHEN)], boolean_value=[False])
    write_labels(tmp_path / "c.parquet", [])
    found = read(tmp_path, "boolean_value")
    meds.LabelSchema.validate(found)
    assert found.to_pylist() == [
        {"subject_id": 1, "prediction_time": WHEN, "boolean_value": False},
        {"subject_id": 2, "prediction_time": WHEN, "boolean_value": True},
    ]


def test_a_label_column_that_is_all_null_is_as_good_as_absent(tmp_path: Path) -> None:
    path = write_labels(tmp_path / "labels.parquet", [(1, WHEN)], boolean_value=[True], float_value=[None])
    assert read(path, "boolean_value").column_names == ["subject_id", "prediction_time", "boolean_value"]
    with pytest.raises(SpecError, match="'float_value', which is null in every row"):
        read(path, "float_value")


def test_a_carried_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = write_labels(tmp_path / "labels.parquet", [(1, WHEN)], boolean_value=[True])
    with pytest.raises(SpecError, match="'value', and the label table has boolean_value, prediction_time, subject_id"):
        read(path, "value")


@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("subject_id", pa.array(["1"]), "'subject_id' is string"),
        ("prediction_time", pa.array([WHEN], pa.timestamp("us", "UTC")), "has the time zone UTC"),
        ("prediction_time", pa.array([WHEN.date()]), "is date32"),
        ("subject_id", pa.array([None], pa.int64()), "subject_id is null in 1 row .*: row 1;"),
        ("prediction_time", pa.array([None], pa.timestamp("us")), "prediction_time is null in 1 row "),
    ],
)
def test_keys_that_are_not_as_meds_has_them_are_refused(
    tmp_path: Path, column: str, values: pa.Array, complaint: str
) -> None:
    path = write_labels(tmp_path / "labels.parquet", [(1, WHEN)])
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(column), column, values), path)
    with pytest.raises(SpecError, match=complaint):
        read(path)


def test_a_table_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="not there"):
        read(tmp_path / "labels.parquet")
    with pytest.raises(SpecError, match=r"has no \.parquet files"):
        read(tmp_path)
    (tmp_path / "labels.parquet").write_bytes(b"no such thing")
    with pytest.raises(SpecError, match="no Parquet file, or damaged"):
        read(tmp_path / "labels.parquet")


def index_of(subjects: list[int]) -> SubjectIndex:
    """One row each, in one file."""
    count = len(subjects)
    return SubjectIndex(
        (("file", "etag"),),
        np.array(subjects, np.int64),
        np.zeros(count, np.int32),
        np.arange(count),
        np.ones(count, np.int64),
        np.ones(count, bool),
        0,
    )


def plan(subjects: list[int], asked: list[tuple[int, datetime]]) -> pa.Table:
    schema = predict_schema((), repair=False)
    keys = [pa.array([s for s, _ in asked], pa.int64()), pa.array([t for _, t in asked], pa.timestamp("us"))]
    wanted = pa.table(keys, names=["subject_id", "prediction_time"])
    return pa.Table.from_batches(predict_batches(index_of(subjects), wanted, schema, "root"), schema)


def test_ids_hold_every_digit_of_a_subject_and_every_microsecond() -> None:
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    early, late = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
    found = plan([int(most)], [(int(most), late), (int(least), early)])
    assert found["record_id"].to_pylist() == [
        f"{most}@9999-12-31T23:59:59.999999",
        f"{least}@0001-01-01T00:00:00.000000",
    ]
    assert found["member"].to_pylist() == [0, None]
    assert found["uri"].to_pylist() == ["file", "root"]


def test_a_plan_is_possible_where_nobody_is_in_the_data() -> None:
    assert plan([], [(5, WHEN)])["rows"].to_pylist() == [0]


def test_a_record_that_is_asked_for_twice_is_refused_with_its_row() -> None:
    with pytest.raises(SpecError, match=r"1 row of the task repeats an .* \(row 3\)"):
        plan([1, 2], [(1, WHEN), (2, WHEN), (1, WHEN)])


def wanted(task: dict[str, Any], **others: Any) -> WantedTimes:
    return WantedTimes(settings(task, **others), StorageSettings())


def some_index(*subjects: int) -> SubjectIndex:
    count = len(subjects)
    zeros = np.zeros(count, np.int64)
    return SubjectIndex((("f", None),), np.array(subjects), zeros.astype(np.int32), zeros, zeros, zeros == 0, 0)


COHORT = """
predicates: {adm: {code: ADM, other_cols: {ward: ICU}}}
trigger: adm
windows:
  w: {start: trigger, end: start + 1h, start_inclusive: true, end_inclusive: true, index_timestamp: end, label: adm}
"""


def test_a_fixed_time_is_asked_once_a_subject_however_often_the_index_has_it() -> None:
    found = wanted({"at": "2024-01-01"}).read(some_index(7, 3, 7), [])
    assert found.to_pylist() == [{"subject_id": s, "prediction_time": datetime(2024, 1, 1)} for s in (3, 7)]


def test_no_prediction_time_at_all_is_an_error_and_not_an_empty_run() -> None:
    with pytest.raises(SpecError, match=r"input\.task gives no prediction time at all"):
        wanted({"at": "2024-01-01"}).read(some_index(), [])


def test_only_a_cohort_has_a_state_and_it_is_its_texts(tmp_path: Path) -> None:
    assert wanted({"at": "2024-01-01"}).state == {}
    assert cohort_of({}) is None
    (tmp_path / "task.yaml").write_text(COHORT)
    (tmp_path / "more.yaml").write_text("predicates: {adm: {code: ADMISSION}}")
    asked = wanted({"aces": str(tmp_path / "task.yaml"), "predicates": str(tmp_path / "more.yaml")})
    assert asked.state == {"aces": COHORT, "predicates": "predicates: {adm: {code: ADMISSION}}"}
    cohort = cohort_of(asked.state)
    assert cohort is not None
    assert cohort.has_labels


def test_a_cohort_names_the_columns_beside_those_of_meds_that_it_looks_at(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(COHORT)
    assert wanted({"aces": str(tmp_path / "task.yaml")}).columns == ("ward",)
    assert wanted({"at": "2024-01-01"}).columns == ()


def test_a_cohort_carries_its_label_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(COHORT)
    task = {"aces": str(tmp_path / "task.yaml")}
    assert [field.name for field in wanted(task, carry=("boolean_value",)).carry] == ["boolean_value"]
    assert wanted(task).carry == ()
    with pytest.raises(SpecError, match="names 'severity', and the cohort has boolean_value"):
        _ = wanted(task, carry=("severity",)).carry
    (tmp_path / "task.yaml").write_text(COHORT.replace(", label: adm", ""))
    with pytest.raises(SpecError, match="names 'boolean_value', and the cohort has no label"):
        _ = wanted(task, carry=("boolean_value",)).carry


@pytest.mark.parametrize(
    ("body", "said"),
    [(None, "names a file that is not there"), (b"\xff\xfe", "UTF-8 text"), (b" " * (1 << 20) + b"x", "at most 1 MiB")],
)
def test_a_cohort_file_that_cannot_be_had_is_told_by_its_setting(tmp_path: Path, body: bytes | None, said: str) -> None:
    if body is not None:
        (tmp_path / "task.yaml").write_bytes(body)
    with pytest.raises(SpecError, match=rf"input\.task\.aces .*{said}"):
        _ = wanted({"aces": str(tmp_path / "task.yaml")}).state
