"""`wardround export meds`: what meds-evaluation reads, of a finished run only, and never over anything else."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, open_store
from jobs.export.exporting import Exported, export_run
from jobs.export.meds import MedsExport
from tests.support.aces_cases import EVENTS, ORACLES, task_texts
from tests.support.cli import Wardround
from tests.support.meds_data import write_dataset, write_labels
from tests.support.runs import rows, run
from tests.support.seaweed import S3
from workers.ehr.aces.task import compile_task
from workers.ehr.events.formats.make_directory import make_event_model_directory

TASK = Path(__file__).parents[2] / "cases" / "aces" / "readmission_30d" / "task.yaml"
COLUMNS = ["subject_id", "prediction_time", "boolean_value", "predicted_boolean_value", "predicted_boolean_probability"]
SETTINGS = {"embedding": 4, "hidden": 4}
NOWHERE = 999_999
needs_oracles = pytest.mark.skipif(not (ORACLES / "aces-cli").exists(), reason="no meds-evaluation: make oracles")


@pytest.fixture
def wardround(capsys: pytest.CaptureFixture[str]) -> Wardround:
    """The command, in this process."""
    return Wardround(capsys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a model of probabilities, one of raw outputs, and finished runs `cohort` and `table`."""
    folder = tmp_path_factory.mktemp("export")
    events = pl.read_parquet(EVENTS).sort("subject_id", "time", nulls_last=False, maintain_order=True)
    halves = [events.filter(pl.col("subject_id") // 7 % 2 == half) for half in (0, 1)]
    write_dataset(folder / "meds", halves)
    codes = pa.table({"code": events["code"].unique().sort().to_list()})
    make_event_model_directory(folder / "risk", "event_rnn", codes, seed=1, settings=SETTINGS)
    make_event_model_directory(folder / "raw", "event_rnn", codes, seed=2, settings=SETTINGS, activation="none")
    known = compile_task(*task_texts("readmission_30d")).rows(events).head(20)
    when = [(subject, time) for subject, time, _ in known.rows()]
    labels = [None, *known["boolean_value"].to_list()[1:], True]
    write_labels(folder / "labels.parquet", [*when, (NOWHERE, datetime(2020, 1, 1))], boolean_value=labels)
    cohort = f"task: {{aces: {TASK}}}, carry: [boolean_value]"
    run(_spec(folder, "cohort", cohort, f"risk: {{uri: {folder / 'risk'}}}"))
    table = f"task: {{labels: {folder / 'labels.parquet'}}}, carry: [boolean_value]"
    run(_spec(folder, "table", table, f"risk: {{uri: {folder / 'risk'}}}, raw: {{uri: {folder / 'raw'}}}"))
    return folder


def _spec(folder: Path, name: str, more: str, models: str) -> str:
    return (
        f"job: predict\nname: {name}\ninput: {{collection: events, uri: {folder / 'meds'}, {more}}}\n"
        f"models: {{{models}}}\noutput: {{uri: {folder / name}}}\ncompute: {{pool: serial, shard_records: 64}}\n"
    )


def export(folder: Path, to: Path, **options: float) -> Exported:
    return export_run(MedsExport(**options), open_store(str(folder / "cohort")), str(to), StorageSettings())


def exported(place: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted(place.glob("*.parquet"))])


def test_every_row_of_a_cohort_is_a_prediction_with_its_truth(
    wardround: Wardround, folder: Path, tmp_path: Path
) -> None:
    said = wardround("export", "meds", folder / "cohort", "--to", tmp_path / "out", "--json")
    assert (said.code, said.err) == (0, "")
    found, source = exported(tmp_path / "out"), rows(folder / "cohort")
    assert found.columns == COLUMNS
    assert found["predicted_boolean_probability"].equals(source["score_outcome"], check_names=False)
    assert found["boolean_value"].equals(source["boolean_value"], check_names=False)
    assert found["subject_id"].cast(pl.String).equals(source["subject_id"])
    assert found["predicted_boolean_value"].equals(source["score_outcome"] >= 0.5, check_names=False)
    facts = json.loads(said.out)
    assert (facts["predictions"], facts["files"], facts["left_out"]) == (found.height, 4, {})
    assert facts["positive"] == found["predicted_boolean_value"].sum()


@needs_oracles
def test_meds_evaluation_reads_and_validates_the_files_unchanged(folder: Path, tmp_path: Path) -> None:
    export(folder, tmp_path / "out")
    paths = sorted((tmp_path / "out").glob("*.parquet"))
    code = (
        "import sys, pyarrow.parquet as pq; from meds_evaluation.schema import PredictionSchema as S\n"
        "for path in sys.argv[1:]: S.validate(pq.read_table(path))"
    )
    subprocess.run([ORACLES / "python", "-c", code, *paths], check=True, capture_output=True)
    words = [f"predictions_path={tmp_path / 'out'}/*.parquet", f"output_file={tmp_path / 'scores.json'}"]
    subprocess.run([ORACLES / "meds-evaluation-cli", *words], check=True, capture_output=True, cwd=tmp_path)
    scores = json.loads((tmp_path / "scores.json").read_text())["samples_equally_weighted"]
    found = exported(tmp_path / "out")
    right = (found["predicted_boolean_value"] == found["boolean_value"]).mean()
    assert scores["binary_accuracy"] == pytest.approx(right)
    assert 0 < scores["roc_auc_score"] < 1


def test_a_file_says_where_it_comes_from(folder: Path, tmp_path: Path) -> None:
    made = export(folder, tmp_path / "out", threshold=0.25)
    summary = json.loads((tmp_path / "out" / "export.json").read_text())
    run_file = json.loads((folder / "cohort" / "run.json").read_text())
    metadata = pq.read_schema(tmp_path / "out" / "shard-000001.parquet").metadata
    assert metadata[b"wardround.run"].decode() == summary["run"] == run_file["fingerprint"]
    assert metadata[b"wardround.fingerprint"].decode() == summary["fingerprint"]
    assert metadata[b"wardround.models"].decode() == f"risk={run_file['models']['risk']['sha256']}"
    assert (metadata[b"wardround.threshold"], metadata[b"wardround.shard"]) == (b"0.25", b"1")
    assert summary["predictions"] == made.written.figures["predictions"]
    at_least = (exported(tmp_path / "out")["predicted_boolean_probability"] >= 0.25).sum()
    assert summary["positive"] == made.written.figures["positive"] == at_least


def test_rows_without_a_prediction_and_truth_with_gaps_are_left_out_and_said(
    wardround: Wardround, folder: Path, tmp_path: Path
) -> None:
    said = wardround("export", "meds", folder / "table", "--to", tmp_path / "out", "--score", "risk__score_outcome")
    assert said.code == 0
    assert "1 row without a prediction left out: no_events 1" in said.err
    assert "boolean_value is null in 1 of 20 predictions: truth is left out of all" in said.err
    found = exported(tmp_path / "out")
    assert found.columns == [name for name in COLUMNS if name != "boolean_value"]
    assert found.height == 20
    assert NOWHERE not in found["subject_id"]


def test_among_several_scores_one_has_to_be_named_and_be_a_probability(
    wardround: Wardround, folder: Path, tmp_path: Path
) -> None:
    def why(*words: str) -> str:
        said = wardround("export", "meds", folder / "table", "--to", tmp_path / "out", *words)
        assert said.code == 2
        return said.err

    assert "--score must say which column is the probability: risk__score_outcome, risk__oov_rate, raw__" in why()
    assert "did you mean 'risk__score_outcome'?" in why("--score", "risk_score_outcome")
    assert "of raw__score_outcome outside of 0 to 1" in why("--score", "raw__score_outcome")
    assert "export meds: threshold: must be at most 1" in why("--threshold", "1.5")
    assert "export meds: threshold: must be a number" in why("--threshold", "high")
    assert not (tmp_path / "out").exists()


def test_an_export_made_again_changes_nothing_and_one_that_was_cut_off_is_completed(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = export(folder, out)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    assert export(folder, out) == first
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()} == before
    (out / "export.json").unlink()
    (out / "shard-000002.parquet").unlink()
    export(folder, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        name: body for name, (body, _) in before.items()
    }


def test_another_export_is_never_overwritten(wardround: Wardround, folder: Path, tmp_path: Path) -> None:
    words = ("export", "meds", folder / "cohort", "--to", tmp_path / "out")
    assert wardround(*words).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    said = wardround(*words, "--threshold", "0.4")
    assert said.code == 3
    assert "another export lies at" in said.err
    (tmp_path / "out" / "else.parquet").write_bytes(b"x")
    assert "1 other objects lie at" in wardround(*words).err
    (tmp_path / "out" / "else.parquet").unlink()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_only_a_finished_sound_run_over_events_is_exported_and_not_into_itself(
    wardround: Wardround, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "cohort", tmp_path / "run")
    inside = wardround("export", "meds", tmp_path / "run", "--to", tmp_path / "run" / "predictions" / "meds")
    assert (inside.code, "neither inside the run directory nor around it" in inside.err) == (2, True)
    words = ("export", "meds", tmp_path / "run", "--to", tmp_path / "out")
    shutil.copy(folder / "table" / "predictions" / "shard-000000.parquet", tmp_path / "run" / "predictions")
    assert wardround(*words).code == 5
    (tmp_path / "run" / "predictions" / "shard-000000.parquet").write_bytes(b"no Parquet")
    assert wardround(*words).code == 5
    (tmp_path / "run" / "predictions" / "shard-000000.parquet").unlink()
    assert wardround(*words).code == 5
    (tmp_path / "run" / "manifest.json").unlink()
    assert wardround(*words).code == 4
    assert wardround("export", "meds", tmp_path / "none", "--to", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists()


def test_an_export_goes_to_object_storage(folder: Path, tmp_path: Path, s3: S3, bucket_prefix: str) -> None:
    settings = s3.settings
    made = export_run(MedsExport(), open_store(str(folder / "cohort")), f"{bucket_prefix}/meds", settings)
    export(folder, tmp_path / "out")
    there = open_store(f"{bucket_prefix}/meds", settings)
    assert {info.key: there.get(info.key) for info in there.list()} == {
        path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()
    }
    assert made.uri == f"{bucket_prefix}/meds"
