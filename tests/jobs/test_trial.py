"""A few records scored here and now, to forecast a run."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from jobs.preview import preview
from jobs.running import prepare_job
from jobs.trial import Trial, try_out
from schemas.errors import UsageError, WardroundError
from schemas.spec import Spec, parse_spec


def test_hours_are_of_all_objects_at_the_pace_of_the_sample() -> None:
    # 50 records in 10 s are 0.2 s each; 36,000 objects of 2 records on 4 workers: 36,000 x 2 x 0.2 / 4 = 3,600 s.
    trial = Trial(records=50, seconds=10.0, statuses={}, per_object=2.0, cpus=1)
    assert trial.hours(36_000, 4) == pytest.approx(1.0)


def test_a_sample_without_a_record_takes_no_time() -> None:
    assert Trial(records=0, seconds=3.0, statuses={}, per_object=0.0, cpus=1).hours(1000, 1) == 0.0


def sample_of(spec: Spec, size: int) -> pa.Table:
    with preview(prepare_job(spec, StorageSettings())) as seen:
        return seen.spread(size)


def test_the_sample_is_scored_as_a_run_would_and_leaves_no_trace(
    copied: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    trial = try_out(prepare_job(copied, StorageSettings()), sample_of(copied, 13))
    assert (trial.records, trial.statuses, trial.per_object) == (13, {"ok": 12, "unreadable": 1}, 1.0)
    assert trial.seconds > 0
    assert list((tmp_path / "scratch").iterdir()) == []


def test_records_of_frames_are_more_than_the_objects_they_are_in(copied: Spec, tmp_path: Path) -> None:
    import numpy as np

    archive = tmp_path / "frames"
    archive.mkdir()
    np.save(archive / "three.npy", np.zeros((3, 8, 8), np.uint8))
    np.save(archive / "five.npy", np.zeros((5, 8, 8), np.uint8))
    source = {"collection": "images", "uri": str(archive), "record": "frame"}
    spec = copied.model_copy(update={"input": source})
    trial = try_out(prepare_job(spec, StorageSettings()), sample_of(spec, 2))
    assert (trial.records, trial.per_object) == (8, 4.0)


def test_a_job_of_whole_shards_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_text("{}\n")
    spec = parse_spec(
        f"job: convert\nname: c\ninput: {{format: fhir, uri: {tmp_path / 'in'}}}\noutput: {{uri: {tmp_path / 'out'}}}\n"
    )
    with pytest.raises(UsageError, match=r"--sample: .*whole shards.*part of its input"):
        try_out(prepare_job(spec, StorageSettings()), sample_of(spec, 1))


def test_a_model_that_vanished_meanwhile_ends_the_trial_with_the_reason(copied: Spec, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in Path(copied.models["mean"].uri).iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    spec = copied.model_copy(update={"models": {"m": copied.models["mean"].model_copy(update={"uri": str(model)})}})
    job, sample = prepare_job(spec, StorageSettings()), sample_of(spec, 2)
    (model / "model.onnx").unlink()
    with pytest.raises(WardroundError, match="model"):
        try_out(job, sample)
