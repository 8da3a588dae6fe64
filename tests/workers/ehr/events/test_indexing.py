"""Stage `subjects`: who is where, across row groups, ranges and files, and what MEDS does not allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from tests.support.meds_data import break_column, events, write_dataset, write_labels
from tests.support.meds_runs import run_events, spec, with_history_format
from tests.support.worked_stages import WorkedStages
from workers.ehr.events import ranges
from workers.ehr.events.contract import STATIC
from workers.ehr.events.index import SubjectIndex, read_index
from workers.ehr.events.indexing import IndexStage, microseconds
from workers.finished_runs.documents import read_run
from workers.finished_runs.stage import FinishedStage

START = datetime(2020, 1, 1)


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of about two row groups, so that subjects cross their borders."""
    with_history_format(monkeypatch)
    monkeypatch.setattr(ranges, "RANGE_ROWS", 40)


def rows_of(subjects: Sequence[int], days: Sequence[int | None] | None = None) -> pl.DataFrame:
    """One event a row, a day after the other unless `days` says."""
    days = range(len(subjects)) if days is None else days
    return pl.DataFrame(
        {
            "subject_id": subjects,
            "time": [None if day is None else START + timedelta(days=day, hours=1) for day in days],
            "code": ["A"] * len(subjects),
            "numeric_value": [1.0] * len(subjects),
        },
        schema_overrides={"numeric_value": pl.Float32, "time": pl.Datetime("us")},
    )


def index_of(out: Path, repair: bool = False) -> SubjectIndex:
    store = open_store(str(out), StorageSettings())
    run = read_run(store, "stages/subjects/")
    assert run is not None
    return read_index(FinishedStage(store, "stages/subjects/", run), repair)


def all_at(root: Path) -> str:
    return f"uri: {root}, task: {{at: 2030-01-01}}"


def test_every_subject_has_one_run_of_rows_wherever_row_groups_and_ranges_end(tmp_path: Path) -> None:
    parts = [events(range(30), 1), events(range(40, 44), 2)]
    root = write_dataset(tmp_path / "meds", parts, row_group=17)
    found = run_events(tmp_path, all_at(root))
    index = index_of(tmp_path / "out")
    wanted = [
        (subject, file, first, count)
        for file, rows in enumerate(parts)
        for subject, first, count in rows.with_row_index("row")
        .group_by("subject_id", maintain_order=True)
        .agg(pl.col("row").min(), pl.len())
        .iter_rows()
    ]
    runs = list(zip(*(column.tolist() for column in (index.subject, index.file, index.first, index.rows)), strict=True))
    assert runs == wanted
    assert index.lost == 0
    assert found["n_events"].sum() == sum(len(rows) for rows in parts)


@pytest.mark.parametrize("row", [5, 20, 40, 63])
def test_events_that_go_backwards_are_refused_by_file_and_row_group(tmp_path: Path, row: int) -> None:
    days = list(range(80))
    days[row] = -1
    root = write_dataset(tmp_path / "meds", [rows_of([1] * 80, days)], row_group=20)
    with pytest.raises(SpecError, match=f"data/0.parquet, row group {row // 20}: .* not sorted by time"):
        run_events(tmp_path, all_at(root))


def test_a_static_row_after_events_is_not_sorted(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 1, 1], [None, 4, None])])
    with pytest.raises(SpecError, match="not sorted by time"):
        run_events(tmp_path, all_at(root))


def test_a_subject_whose_rows_are_parted_is_refused(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 1, 2, 2, 1])])
    with pytest.raises(SpecError, match="row group 0: the rows of a subject are not together"):
        run_events(tmp_path, all_at(root))


def test_a_subject_whose_rows_are_parted_far_from_each_other_is_refused_with_both_places(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, *range(100, 199), 1])], row_group=20)
    with pytest.raises(SpecError, match=r"in data/0.parquet, row group 0 and in data/0.parquet, row group 5"):
        run_events(tmp_path, all_at(root))


def test_a_subject_in_two_files_is_refused_with_both(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 1, 7]), rows_of([7, 8])])
    with pytest.raises(SpecError, match=r"1 subject .* data/0.parquet, row group 0 and in data/1.parq") as raised:
        run_events(tmp_path, all_at(root))
    assert "input.repair: sort" in str(raised.value)


def test_with_repair_a_subject_keeps_the_order_of_the_source_among_equal_times(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 2, 1], [3, 0, 1]), rows_of([2, 1], [0, None])])
    found = run_events(tmp_path, f"{all_at(root)}, repair: sort")
    assert found["n_events"].to_list() == [3, 2]
    index = index_of(tmp_path / "out", repair=True)
    assert index.subject.tolist() == [1, 2, 1, 2, 1]
    start, end = index.spans(index.subject[:2])
    assert [index.order[a:b].tolist() for a, b in zip(start, end, strict=True)] == [[0, 2, 4], [1, 3]]


def test_who_may_have_rows_in_a_range_that_cannot_be_read_is_not_scored_without_them(tmp_path: Path) -> None:
    rows = rows_of([subject for subject in range(12) for _ in range(13)])
    root = write_dataset(tmp_path / "meds", [rows], row_group=20)
    break_column(root / "data" / "0.parquet", group=4, column="time")
    # Ranges are two row groups: rows 80 to 119 are lost, which are of subjects 6 to 9.
    found = run_events(tmp_path, all_at(root))
    told = {int(subject): status for subject, status in found.select("subject_id", "status").iter_rows()}
    assert told == {
        **dict.fromkeys([0, 1, 2, 3, 4, 5, 10, 11], "ok"),
        **dict.fromkeys([6, 9], "unreadable"),
    }
    assert index_of(tmp_path / "out").lost == 1


def test_a_file_that_is_no_parquet_file_leaves_who_is_nowhere_else_unreadable(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 1])])
    (root / "data" / "1.parquet").write_bytes(b"PAR1 nothing of the sort")
    write_labels(tmp_path / "labels.parquet", [(1, datetime(2021, 1, 1)), (2, datetime(2021, 1, 1))])
    found = run_events(tmp_path, f"uri: {root}, task: {{labels: {tmp_path}/labels.parquet}}")
    assert found["status"].to_list() == ["ok", "unreadable"]
    assert found["detail"][1] == "the subject is in no data file that could be read, and some could not"
    status = pl.read_parquet(tmp_path / "out/stages/subjects/rows/shard-000001.parquet")["status"].cast(pl.String)
    assert status.to_list() == ["unreadable"]


def test_with_repair_nobody_is_scored_while_a_part_of_the_data_cannot_be_read(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1, 1])])
    (root / "data" / "1.parquet").write_bytes(b"PAR1 nothing of the sort")
    with pytest.raises(SpecError, match=r"data/1.parquet cannot be read, and with input.repair: sort"):
        run_events(tmp_path, f"{all_at(root)}, repair: sort")


def test_a_rule_says_which_blocks_of_subjects_it_could_not_look_at(tmp_path: Path) -> None:
    rows = rows_of([subject for subject in range(12) for _ in range(13)])
    root = write_dataset(tmp_path / "meds", [rows], row_group=20)
    break_column(root / "data" / "0.parquet", group=4, column="time")
    found = run_events(tmp_path, f"uri: {root}, task: {{at: 2030-01-01, min_events: 1}}")
    assert found["subject_id"].to_list() == ["0", "1", "2", "3", "4", "5", "10", "11"]
    block = pl.read_parquet(tmp_path / "out/stages/times/rows/shard-000000.parquet")
    assert block["status"].cast(pl.String).to_list() == ["unreadable"]
    assert block["detail"][0].startswith("2 subjects could not be read")


def test_a_subject_on_both_sides_of_what_cannot_be_read_is_unreadable_and_nothing_is_refused(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "meds", [rows_of([1] * 5 + [2] * 130 + [3] * 5)], row_group=20)
    break_column(root / "data" / "0.parquet", group=2, column="subject_id")
    found = run_events(tmp_path, all_at(root))
    assert found.select("subject_id", "status").rows() == [("1", "ok"), ("2", "unreadable"), ("3", "ok")]


def test_times_that_no_calendar_of_python_holds_are_read_like_others(tmp_path: Path) -> None:
    far = 500_000_000_000_000_000
    rows = rows_of([1, 1, 2]).with_columns(pl.Series("time", [-far, far, far]).cast(pl.Datetime("us")))
    root = write_dataset(tmp_path / "meds", [rows])
    found = run_events(tmp_path, all_at(root))
    assert found["n_events"].to_list() == [1, 0]
    assert found["last_event_time"].dt.epoch("us").to_list() == [-far, None]


def test_a_time_is_its_microseconds_and_a_row_without_one_is_static() -> None:
    column = pa.chunked_array([pa.array([datetime(1970, 1, 2), None, datetime(1969, 12, 31)], pa.timestamp("us"))])
    assert microseconds(column).tolist() == [86_400_000_000, STATIC, -86_400_000_000]


def test_the_row_of_a_range_says_who_is_where_from_when_to_when(tmp_path: Path) -> None:
    write_dataset(tmp_path / "meds", [rows_of([5, 5, 2, 9, 9, 9], [None, 1, 4, 2, 3, 3])], row_group=6)
    source = f"uri: {tmp_path / 'meds'}, task: {{at: 2030-01-01}}"
    worked = WorkedStages(spec(tmp_path, source, tmp_path / "out"), "workers.ehr.events")
    context = worked.open()
    stage = worked.stage_of(context)
    assert isinstance(stage, IndexStage)
    (row,) = stage.compute(0, context.plan.shard(0)).table.to_pylist()
    assert (row["subjects"], row["first_rows"], row["subject_rows"]) == ([5, 2, 9], [0, 2, 3], [2, 1, 3])
    # The first row has no time; the last one has day 3.
    assert (row["first_time"], row["last_time"]) == (None, START + timedelta(days=3, hours=1))
