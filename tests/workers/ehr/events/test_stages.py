"""What a worker opens for each stage of collection `events`."""

from pathlib import Path

import polars as pl
import pytest

from schemas.errors import WardroundError
from tests.support.meds_data import events, write_dataset
from tests.support.meds_runs import spec, with_history_format
from tests.support.worked_stages import WorkedStages
from workers.ehr.events import stages
from workers.ehr.events.indexing import IndexStage
from workers.ehr.events.times import TimesStage
from workers.pipeline.kinds import RecordStage

SUBJECTS = [3, 1, 2]


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkedStages:
    """A run over three subjects before its first stage."""
    with_history_format(monkeypatch)
    write_dataset(tmp_path / "meds", [events(SUBJECTS, mean_events=6)])
    source = f"uri: {tmp_path / 'meds'}, task: {{at: 2030-01-01, min_events: 1}}"
    return WorkedStages(spec(tmp_path, source, tmp_path / "out"), "workers.ehr.events")


def test_subjects_then_times_then_predict_are_each_opened_from_what_the_last_one_left(worked: WorkedStages) -> None:
    first = worked.work()
    assert isinstance(stages.subjects(first), IndexStage)
    assert worked.stages[0].finished().all_rows(["subjects"])["subjects"].to_pylist() == [SUBJECTS]
    second = worked.work()
    assert isinstance(stages.times(second), TimesStage)
    assert sorted(worked.stages[1].finished().all_rows(["subject_ids"])["subject_ids"][0].as_py()) == sorted(SUBJECTS)
    third = worked.open()
    opened = stages.predict(third)
    assert isinstance(opened, RecordStage)
    assert worked.job.open_next(worked.store, worked.stages) is None
    ids = pl.Series(third.plan.shard(0)["subject_id"].to_pylist())
    assert sorted(ids.to_list()) == ["1", "2", "3"]


def test_models_are_loaded_when_scoring_is_and_encoders_are_one_a_model(worked: WorkedStages) -> None:
    worked.work()
    worked.work()
    models = stages.run_models(worked.open())
    assert list(models.names) == ["m"]
    assert len(stages.open_encoders(models)) == 1
    scoring = stages.load_scoring(models)
    assert (scoring.device, scoring.held_bytes) == ("cpu", 0)


def test_a_model_that_changed_after_the_run_began_is_not_loaded(worked: WorkedStages, tmp_path: Path) -> None:
    worked.work()
    worked.work()
    context = worked.open()
    (tmp_path / "model" / "history.json").write_text("[]")
    with pytest.raises(WardroundError, match="sha256"):
        stages.open_encoders(stages.run_models(context))
