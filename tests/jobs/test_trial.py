"""A few records scored here and now: whether a run can, and how long it takes."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.storage import StorageSettings
from jobs.preview import preview
from jobs.running import prepare_job
from jobs.spec_source import spec_from
from jobs.trial import StageTrial, Trial, try_out
from jobs.watched import run
from schemas.errors import SpecError, WardroundError
from schemas.spec import Spec
from tests.support.mistakes.world import WORLDS
from tests.support.volume_runs import write_spec
from workers.collection import TrialStages
from workers.finished_runs.documents import existing_run


def tried(spec: Spec, records: int, *, timed: bool = False) -> Trial:
    job = prepare_job(spec, StorageSettings())
    with preview(job) as seen:
        return try_out(job, seen, records, timed=timed)


def world(name: str, folder: Path, **changes: Any) -> Spec:
    spec = WORLDS[name](folder)
    text = yaml.safe_dump({**spec, "input": {**spec["input"], **changes}})
    (folder / "spec.yaml").write_text(text.replace("HERE", str(folder)))
    return spec_from(str(folder / "spec.yaml"))


def scored(spec: Spec, columns: Sequence[str]) -> list[dict[str, Any]]:
    from jobs.rundir import StageDirectory
    from jobs.settings import output_store
    from jobs.signals import StopRequests

    run(spec, StopRequests(), "none")
    store = output_store(spec)
    rows: list[dict[str, Any]] = StageDirectory(store, "", existing_run(store)).finished().all_rows(columns).to_pylist()
    return rows


def test_hours_are_of_every_stage_at_the_pace_of_what_was_tried() -> None:
    # 10 s that are a 720th of a stage are 2 h, on four workers half an hour; a stage of one shard employs one of them.
    stages = (StageTrial("predict", 50, 10.0, 720.0, 9), StageTrial("fit", 1, 36.0, 1.0, 1))
    assert Trial(stages, {}, (), cpus=1, whole=True).hours(4) == pytest.approx(0.51)


def test_the_sample_is_scored_as_a_run_would_and_leaves_no_trace(
    copied: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    trial = tried(copied, 13, timed=True)
    assert (trial.records, trial.statuses, trial.whole) == (13, {"ok": 12, "unreadable": 1}, True)
    assert trial.seconds > 0
    assert [stage.scale for stage in trial.stages] == [1.0]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_records_of_frames_are_more_than_the_objects_they_are_in(copied: Spec, tmp_path: Path) -> None:
    import numpy as np

    archive = tmp_path / "frames"
    archive.mkdir()
    for number in range(4):
        np.save(archive / f"{number}.npy", np.zeros((3, 8, 8), np.uint8))
    source = {"collection": "images", "uri": str(archive), "record": "frame"}
    trial = tried(copied.model_copy(update={"input": source}), 2)
    assert [(stage.records, stage.scale) for stage in trial.stages] == [(2, 2.0), (6, 2.0)]


@pytest.mark.parametrize("name", ["molecules", "sequences", "events", "genotypes"])
def test_the_values_are_those_of_the_run(name: str, tmp_path: Path) -> None:
    spec = world(name, tmp_path)
    trial = tried(spec, 60)
    assert trial.whole
    assert trial.values
    rows = scored(spec, list(trial.values[0]))
    assert len(rows) == trial.records
    assert all(values in rows for values in trial.values)


def test_volumes_are_tried_with_all_their_slices_and_their_values_are_those_of_the_run(tmp_path: Path) -> None:
    spec = spec_from(str(write_spec(tmp_path, str(tmp_path / "out"), segmentation="{masks: []}")))
    trial = tried(spec, 9)
    assert [(stage.stage, stage.records, stage.scale) for stage in trial.stages] == [
        ("headers", 17, 1.0),
        ("volumes", 17, 1.0),
        ("predict", 6, 1.0),
    ]
    assert trial.whole
    assert trial.statuses == {"ok": 2, "unreadable": 2, "incomplete_series": 1, "localizer": 1}
    rows = scored(spec, list(trial.values[0]))
    assert len(trial.values) == 2
    assert all(values in rows for values in trial.values)


def test_of_a_large_archive_whole_folders_are_tried(tmp_path: Path) -> None:
    spec = spec_from(str(write_spec(tmp_path, str(tmp_path / "out"))))
    for number in range(30):
        (tmp_path / "archive" / f"x{number:02}").mkdir()
        for slice_ in range(20):
            (tmp_path / "archive" / f"x{number:02}" / f"{slice_:02}").write_bytes(b"-")
    job = prepare_job(spec, StorageSettings())
    assert isinstance(job.collection, TrialStages)
    with preview(job) as seen:
        part = job.collection.trial_part("headers", seen.plan, 2)
        assert part is not None
        uris = seen.plan.rows(part.places)["uri"].to_pylist()
    folders = Counter(uri.rpartition("/")[0] for uri in uris)
    assert len(folders) == 2
    assert all(sum(path.is_file() for path in Path(one).iterdir()) == count for one, count in folders.items())
    assert part.of_all


def test_of_subjects_that_a_table_asks_for_those_are_tried_who_are_in_the_ranges_that_were_read(tmp_path: Path) -> None:
    from datetime import datetime

    from tests.support.meds_data import write_labels

    write_labels(tmp_path / "labels.parquet", [(subject, datetime(2022, 1, 1)) for subject in (900, 3, 901, 902)])
    trial = tried(world("events", tmp_path, task={"labels": str(tmp_path / "labels.parquet")}), 3)
    assert trial.statuses == {"ok": 1}
    assert trial.stages[-1].scale == 4.0


def test_adjusted_scores_need_the_whole_cohort_and_the_sums_before_them_are_tried(tmp_path: Path) -> None:
    spec = world("genotypes", tmp_path).model_copy(update={"prepare": ({"adjust": {"z": True}},)})
    trial = tried(spec, 4)
    assert [stage.stage for stage in trial.stages] == ["match", "count", "score"]
    assert (trial.whole, trial.statuses) == (False, {"ok": 4})
    assert [next(iter(values)) for values in trial.values] == ["PGS1"] * 3


def test_a_conversion_is_tried_by_parts_of_its_files_through_all_its_stages(tmp_path: Path) -> None:
    spec = world("fhir", tmp_path)
    for number in range(7):
        (tmp_path / "bulk" / f"Patient-{number}.ndjson").write_text(
            f'{{"resourceType": "Patient", "id": "q{number}", "birthDate": "1970-01-01"}}\n'
        )
    trial = tried(spec, 2, timed=True)
    assert [stage.scale for stage in trial.stages] == [4.0] * len(trial.stages)
    assert (trial.statuses, trial.whole) == ({"ok": 2}, True)


def test_what_a_run_would_be_refused_for_is_said_as_a_run_says_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"model\.safetensors: does not fit the network: missing"):
        tried(world("notes", tmp_path), 1)


def test_a_model_that_vanished_meanwhile_ends_the_trial_with_the_reason(copied: Spec, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in Path(copied.models["mean"].uri).iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    spec = copied.model_copy(update={"models": {"m": copied.models["mean"].model_copy(update={"uri": str(model)})}})
    job = prepare_job(spec, StorageSettings())
    with preview(job) as seen:
        (model / "model.onnx").unlink()
        with pytest.raises(WardroundError, match="model"):
            try_out(job, seen, 2, timed=False)
