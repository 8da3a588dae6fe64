"""No prediction of an ACES cohort knows its future: with another one every row comes out the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.support import history_format
from tests.support.aces_cases import EVENTS, FOLDER, SCHEMA
from tests.support.meds_data import write_dataset, write_labels
from tests.support.runs import rows, run
from workers import registry

KNOWN = ["status", "n_events", "last_event_time", "total", "codes", "ages"]
FUTURE = (timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1), timedelta(days=400))


@pytest.fixture(autouse=True)
def _a_model_that_says_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.FORMATS["events"], "history", history_format.__name__)


def predicted(folder: Path, name: str, dataset: Path, task: str) -> pl.DataFrame:
    """Rows of a run over a dataset."""
    model = history_format.write_model(folder / "model")
    run(
        f"job: predict\nname: {name}\ninput: {{collection: events, uri: {dataset}, task: {task}}}\n"
        f"models: {{history: {{uri: {model}}}}}\noutput: {{uri: {folder / name}}}\n"
        "compute: {pool: serial, shard_records: 50}\n"
    )
    return rows(folder / name)


def with_another_future(events: pl.DataFrame, found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each row as a subject of its own, whose events after the prediction time are not those that came.

    Returns the events and (subject_id, prediction_time). The past is cut here by a filter as a person would write it.
    """
    lives = found.select(
        life=pl.int_range(pl.len()), subject_id=pl.col("subject_id").cast(pl.Int64), now="prediction_time"
    )
    past = events.join(lives, on="subject_id", maintain_order="right_left").filter(
        pl.col("time").is_null() | (pl.col("time") <= pl.col("now"))
    )
    parts = [past.select(pl.col("life").alias("subject_id"), *list(SCHEMA)[1:])]
    for later in FUTURE:
        parts.append(
            lives.select(
                pl.col("life").alias("subject_id"),
                time=pl.col("now") + later,
                code=pl.lit("MEDS_DEATH"),
                numeric_value=pl.lit(1e6, pl.Float32),
                unit=pl.lit(None, pl.String),
            )
        )
    other = pl.concat(parts, how="vertical_relaxed").cast({"subject_id": pl.Int64})
    return other.sort("subject_id", maintain_order=True), lives.select(pl.col("life").cast(pl.Int64), "now")


@pytest.mark.parametrize("task", ["imminent_mortality", "recent_history"])
def test_predictions_stay_the_same_where_another_future_comes(task: str, tmp_path: Path) -> None:
    events = pl.read_parquet(EVENTS).sort("subject_id", "time", nulls_last=False, maintain_order=True)
    dataset = write_dataset(tmp_path / "meds", [events])
    found = predicted(tmp_path, "found", dataset, f"{{aces: {FOLDER / task / 'task.yaml'}}}")
    assert found.height > 90
    assert (found["last_event_time"].drop_nulls() <= found["prediction_time"].filter(found["n_events"] > 0)).all()
    other, wanted = with_another_future(events, found)
    labels = tmp_path / "labels.parquet"
    write_labels(labels, wanted.rows())
    again = predicted(tmp_path, "again", write_dataset(tmp_path / "other", [other]), f"{{labels: {labels}}}")
    assert again["prediction_time"].equals(found["prediction_time"])
    assert again.select(KNOWN).equals(found.select(KNOWN))
    assert found["total"].drop_nulls().n_unique() > 20
