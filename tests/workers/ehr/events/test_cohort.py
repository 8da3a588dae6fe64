"""A cohort in the format of ACES as the task of a run: its rows and labels, and what is said where it does not fit."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support import history_format
from tests.support.aces_cases import EVENTS, FOLDER, ROWS, expected
from tests.support.meds_data import write_dataset
from tests.support.runs import rows, run
from workers import registry

LAB = FOLDER / "abnormal_lab" / "task.yaml"
OTHERS = FOLDER / "from_a_predicates_file"


@pytest.fixture(autouse=True)
def _a_model_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.FORMATS["events"], "history", history_format.__name__)


def halves() -> list[pl.DataFrame]:
    events = pl.read_parquet(EVENTS).sort("subject_id", "time", nulls_last=False, maintain_order=True)
    return [events.filter(pl.col("subject_id") // 7 % 2 == half) for half in (0, 1)]


def spec(folder: Path, task: str, carry: str = "[boolean_value]") -> str:
    model = history_format.write_model(folder / "model")
    return (
        f"job: predict\nname: cohort\ninput: {{collection: events, uri: {folder / 'meds'}, task: {{{task}}}, "
        f"carry: {carry}}}\nmodels: {{history: {{uri: {model}}}}}\noutput: {{uri: {folder / 'out'}}}\n"
        "compute: {pool: serial, shard_records: 40}\n"
    )


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("abnormal_lab", f"aces: {LAB}"),
        ("from_a_predicates_file", f"aces: {OTHERS / 'task.yaml'}, predicates: {OTHERS / 'predicates.yaml'}"),
    ],
)
def test_records_of_a_run_are_the_rows_of_es_aces_with_their_labels(name: str, task: str, tmp_path: Path) -> None:
    write_dataset(tmp_path / "meds", halves(), row_group=500)
    run(spec(tmp_path, task))
    found = rows(tmp_path / "out").select(pl.col(column).cast(kind) for column, kind in ROWS.items())
    assert found.sort("subject_id", "prediction_time").equals(expected(name))


def test_a_column_that_a_predicate_asks_for_is_missed_in_every_file_before_anything_is_read(tmp_path: Path) -> None:
    first, second = halves()
    write_dataset(tmp_path / "meds", [first, second.drop("unit")])
    with pytest.raises(SpecError, match=r"data/1.parquet has no column 'unit', which a predicate of input.task.aces"):
        run(spec(tmp_path, f"aces: {LAB}"))
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_cohort_that_cannot_be_understood_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    write_dataset(tmp_path / "meds", halves())
    with pytest.raises(SpecError, match=r"input.task.aces: predicates.hospital_admission: not defined yet"):
        run(spec(tmp_path, f"aces: {OTHERS / 'task.yaml'}"))
    with pytest.raises(SpecError, match=r"input.task.aces names a file that is not there"):
        run(spec(tmp_path, f"aces: {tmp_path / 'none.yaml'}"))
    assert not (tmp_path / "out" / "stages").exists()
