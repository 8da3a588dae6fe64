"""Collection `events` as a job sees it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Compute
from tests.support.meds_data import events, write_dataset, write_labels
from workers.contract import ModelCard
from workers.ehr.events import indexing, times
from workers.ehr.events.collection import EventsCollection, open_collection
from workers.ehr.events.settings import EventsInput


def collection(uri: Path, task: dict[str, Any], **more: Any) -> EventsCollection:
    given = {"collection": "events", "uri": str(uri), "task": task, **more}
    return open_collection(validate(EventsInput, given, "input"), StorageSettings(), Compute())


@pytest.mark.parametrize(
    ("task", "stages"),
    [
        ({"labels": "l"}, ("subjects", "predict")),
        ({"at": "2024-01-01"}, ("subjects", "predict")),
        ({"at": "2024-01-01", "min_days": 1}, ("subjects", "times", "predict")),
        ({"every": "visit_end"}, ("subjects", "times", "predict")),
        ({"aces": "a"}, ("subjects", "times", "predict")),
    ],
)
def test_times_that_come_from_the_events_are_a_stage_of_their_own(
    tmp_path: Path, task: dict[str, Any], stages: tuple[str, ...]
) -> None:
    assert collection(tmp_path, task).stages == stages


def test_there_are_no_prepare_steps(tmp_path: Path) -> None:
    found = collection(tmp_path, {"at": "2024-01-01"})
    assert found.prepare(ModelCard("x", ()), None) == ()
    with pytest.raises(SpecError, match="prepare: collection events has no prepare steps; remove it"):
        found.prepare(ModelCard("x", ()), ())


def test_the_first_stage_is_planned_from_the_files_in_shards_of_one_range(tmp_path: Path) -> None:
    write_dataset(tmp_path, [events([1, 2]), events([3])])
    plan = collection(tmp_path, {"at": "2024-01-01"}).plan("subjects", [], {})
    assert (plan.kind, plan.shard_records, plan.columns) == ("shards", 1, indexing.COLUMNS)
    records = pa.Table.from_batches(plan.batches(), plan.schema)
    assert records["record_id"].to_pylist() == ["data/0.parquet#0", "data/1.parquet#0"]


def test_the_last_stage_keeps_subjects_together_and_has_the_models_columns(tmp_path: Path) -> None:
    plan = collection(tmp_path, {"at": "2024-01-01"}).plan("predict", [], {})
    assert (plan.kind, plan.whole_subjects, plan.columns) == ("records", True, None)
    assert plan.carry == ("prediction_time",)
    assert collection(tmp_path, {"every": "visit_end"}).plan("times", [], {}).columns == times.COLUMNS


def test_the_texts_of_a_cohort_decide_every_stage_and_a_bad_one_is_told_before_the_first(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("trigger: x\n")
    found = collection(tmp_path, {"aces": str(tmp_path / "task.yaml")})
    with pytest.raises(SpecError, match=r"input\.task\.aces"):
        found.plan("subjects", [], {})
    assert found.times.state == {"aces": "trigger: x\n"}


def test_a_column_that_the_label_table_lacks_is_named_before_anything_is_planned(tmp_path: Path) -> None:
    from datetime import datetime

    write_labels(tmp_path / "labels.parquet", [(1, datetime(2024, 1, 1))])
    found = collection(tmp_path, {"labels": str(tmp_path / "labels.parquet")}, carry=("severity",))
    with pytest.raises(SpecError, match="'severity'"):
        found.plan("subjects", [], {})
