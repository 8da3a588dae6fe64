"""Stage `times`: blocks of whole subjects, and the times that a rule or a cohort finds in them."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from schemas.status import Status
from tests.support.meds_data import write_dataset
from tests.support.meds_runs import spec, with_history_format
from tests.support.worked_stages import WorkedStages
from workers.ehr.events import times
from workers.ehr.events.index import SubjectIndex

DAY = timedelta(days=1)
START = datetime(2020, 1, 1, 1)
COHORT = """
predicates: {adm: {code: ADM}, dis: {code: DIS}}
trigger: adm
windows:
  input: {start: null, end: trigger, start_inclusive: true, end_inclusive: true, index_timestamp: end}
  target: {start: input.end, end: start + 48h, start_inclusive: false, end_inclusive: true, label: dis}
"""


@pytest.fixture(autouse=True)
def _format(monkeypatch: pytest.MonkeyPatch) -> None:
    with_history_format(monkeypatch)


def index(rows: list[tuple[int, int, int, int]], whole: bool = True) -> SubjectIndex:
    """An index of runs, each (subject, file, first row, rows)."""
    columns = [np.array([row[place] for row in rows], np.int64) for place in range(4)]
    subject, file, first, number = columns
    return SubjectIndex(
        (("/d/data/0", "e0"), ("/d/data/1", "e1")), subject, file.astype(np.int32), first, number,
        np.full(len(rows), whole), 0,
    )  # fmt: skip


def test_a_block_holds_whole_subjects_in_the_order_in_which_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "BLOCK_ROWS", 10)
    # Subject 9 begins first and has rows in both files; 4 alone has more than a block.
    found = index([(9, 0, 0, 3), (2, 0, 3, 4), (4, 0, 7, 25), (9, 1, 0, 5), (7, 1, 5, 2)])
    blocks = [batch.to_pylist()[0] for batch in times.block_batches(found, "/d")]
    assert [block["record_id"] for block in blocks] == ["block-000000", "block-000001", "block-000002", "block-000003"]
    assert [block["subjects"] for block in blocks] == [[9], [2], [4], [7]]
    assert blocks[0]["runs"] == [
        [
            {"uri": "/d/data/0", "etag": "e0", "first": 0, "rows": 3},
            {"uri": "/d/data/1", "etag": "e1", "first": 0, "rows": 5},
        ]
    ]
    assert {block["uri"] for block in blocks} == {"/d"}


def test_subjects_share_a_block_as_long_as_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "BLOCK_ROWS", 10)
    blocks = list(times.block_batches(index([(1, 0, 0, 6), (2, 0, 6, 4), (3, 0, 10, 1)]), "/d"))
    assert [batch.to_pylist()[0]["subjects"] for batch in blocks] == [[1, 2], [3]]


def test_no_subjects_are_no_blocks() -> None:
    assert list(times.block_batches(index([]), "/d")) == []


def dataset(root: Path, rows: list[tuple[int, float | None, str]]) -> None:
    """Events by subject and day."""
    frame = pl.DataFrame(
        {
            "subject_id": [row[0] for row in rows],
            "time": [None if row[1] is None else START + row[1] * DAY for row in rows],
            "code": [row[2] for row in rows],
            "numeric_value": [None] * len(rows),
        },
        schema={"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32},
    )
    write_dataset(root, [frame])


def found(folder: Path, task: str, *carry: str) -> list[tuple[object, ...]]:
    worked = WorkedStages(
        spec(folder, f"uri: {folder / 'meds'}, task: {{{task}}}, carry: [{', '.join(carry)}]", folder / "out"),
        "workers.ehr.events",
    )
    worked.work()
    worked.work()
    table = times.found_times(worked.stages[-1].finished(), carry)
    return [tuple(row.values()) for row in table.to_pylist()]


def test_a_rule_finds_each_time_of_its_codes_once_with_enough_before_it(tmp_path: Path) -> None:
    dataset(
        tmp_path / "meds",
        [
            (1, None, "GENDER"),
            (1, 0, "A"),
            (1, 2, "DISCHARGE//home"),
            (1, 2, "VISIT_END"),
            (1, 5, "DISCHARGE"),
            (1, 6, "DISCHARGED"),
            (2, 0, "DISCHARGE"),
        ],
    )
    assert found(tmp_path, "every: visit_end, min_events: 2") == [(1, START + 2 * DAY), (1, START + 5 * DAY)]
    # `DISCHARGED` is another code than `DISCHARGE` and what comes behind its `//`.


def test_a_cohort_finds_times_with_their_labels_for_who_fulfils_it(tmp_path: Path) -> None:
    (tmp_path / "cohort.yaml").write_text(COHORT)
    dataset(tmp_path / "meds", [(1, 0, "ADM"), (1, 1, "DIS"), (2, 0, "LAB"), (3, 0, "X"), (3, 1, "ADM"), (3, 9, "DIS")])
    assert found(tmp_path, f"aces: {tmp_path / 'cohort.yaml'}", "boolean_value") == [
        (1, START, True),
        (3, START + DAY, False),
    ]


def test_a_block_with_a_subject_that_cannot_be_read_says_how_many_and_why(tmp_path: Path) -> None:
    (tmp_path / "cohort.yaml").write_text(COHORT)
    dataset(tmp_path / "meds", [(1, 0, "ADM"), (2, 0, "ADM")])
    worked = WorkedStages(
        spec(tmp_path, f"uri: {tmp_path / 'meds'}, task: {{aces: {tmp_path / 'cohort.yaml'}}}", tmp_path / "out"),
        "workers.ehr.events",
    )
    worked.work()
    context = worked.open()
    dataset(tmp_path / "meds", [(1, 0, "ADM")])
    table = worked.stage_of(context).compute(0, context.plan.shard(0)).table
    assert table["status"].to_pylist() == [Status.INPUT_CHANGED]
    assert "2 subjects could not be read, the first since its data file was changed" in table["detail"][0].as_py()
    assert table["subject_ids"].to_pylist() == [[]]
