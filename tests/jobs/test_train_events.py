"""`job: train` end to end over a hospital with a planted signal: trained, applied, evaluated."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from jobs.model_directory import open_directory
from schemas.errors import SpecError
from tests.support.meds_data import write_dataset, write_labels
from tests.support.planted_hospital import LEAK, Hospital, planted_hospital
from tests.support.runs import rows, run
from tests.support.train_runs import assert_mean_of_members

AT = datetime(2024, 1, 1, 12)
SUBJECTS = 1800
SPLITS = ("train", "train", "train", "train", "tuning", "held_out")


@pytest.fixture(scope="module")
def hospital() -> Hospital:
    return planted_hospital(SUBJECTS, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, hospital: Hospital) -> Path:
    """A dataset with deaths after the prediction time, labels, splits; a training in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-events")
    write_dataset(folder / "meds", [hospital.events(leak=True)], row_group=1000)
    subjects = hospital.subjects.tolist()
    split = [SPLITS[subject % len(SPLITS)] for subject in subjects]
    pl.DataFrame({"subject_id": subjects[:-1], "split": split[:-1]}).write_parquet(
        folder / "meds" / "metadata" / "subject_splits.parquet"
    )
    asked = [(subject, AT) for subject in subjects] + [(9_999, AT)]
    write_labels(folder / "labels.parquet", asked, boolean_value=[*(hospital.outcome == 1).tolist(), True])
    run(train_spec(folder, "out"))
    run(predict_spec(folder, "out/model", "scored"))
    return folder


def train_spec(
    folder: Path, output: str, keys: str = "", network: str = "event_rnn", settings: str = "hidden: 8"
) -> str:
    given = {
        "outputs": "{died: {truth: boolean_value}}",
        "splits": "{column: split}",
        "network": f"{{name: {network}, settings: {{embedding: 8, inputs: [value, ago], {settings}}}}}",
        "fit": "{epochs: 6, batch: 32, learning_rate: 0.02}",
        "carry": "[boolean_value]",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items())
    return (
        f"job: train\nname: small\ninput:\n  collection: events\n  uri: {folder / 'meds'}\n"
        f"  task: {{labels: {folder / 'labels.parquet'}}}\n{lines}"
        f"output: {{uri: {folder / output}}}\ncompute: {{pool: serial, shard_records: 128}}\n"
    )


def predict_spec(folder: Path, trained: Path | str, output: Path | str) -> str:
    return (
        f"job: predict\nname: small\ninput: {{collection: events, uri: {folder / 'meds'}, "
        f"task: {{labels: {folder / 'labels.parquet'}}}}}\n"
        f"models: {{m: {{uri: {folder / trained}}}}}\noutput: {{uri: {folder / output}}}\n"
        "compute: {pool: serial, shard_records: 128}\n"
    )


def account(output: Path) -> dict[tuple[str, str], int]:
    manifest = json.loads((output / "manifest.json").read_text())
    return {(row["split"], row["state"]): row["records"] for row in manifest["tables"]["records by split"]}


def test_records_are_split_as_the_dataset_says_and_all_are_counted(folder: Path) -> None:
    assert account(folder / "out") == {
        ("train", "used"): 1199,
        ("tuning", "used"): 300,
        ("held_out", "used"): 300,
        ("none", "no split"): 1,
        ("none", "no_events"): 1,
    }


def test_predict_takes_the_model_and_ranks_those_that_were_held_out(folder: Path, hospital: Hospital) -> None:
    found = rows(folder / "scored").filter(pl.col("status") == "ok")
    subject = found["subject_id"].cast(pl.Int64).to_numpy()
    held_out = np.array([SPLITS[one % len(SPLITS)] == "held_out" for one in subject])
    score, outcome = found["score_died"].to_numpy()[held_out], hospital.outcome[subject[held_out] - 1]
    pairs = score[outcome == 1][:, None] - score[outcome == 0][None]
    assert (pairs > 0).mean() > 0.6


def test_the_vocabulary_is_that_of_training_histories_up_to_their_prediction_times(folder: Path) -> None:
    codes = pq.read_table(folder / "out" / "model" / "codes.parquet").to_pandas().set_index("code")
    assert LEAK not in codes.index
    assert codes["code/n_subjects"].max() <= 1199
    card = (folder / "out" / "model" / "model_card.md").read_text()
    assert "| held_out | used | 300 |" in card


def test_an_evaluation_takes_the_labelled_records(folder: Path) -> None:
    run(
        f"job: evaluate\nname: e\ninput:\n  run: {folder / 'scored'}\n"
        f"  labels: {{uri: {folder / 'out' / 'labelled.parquet'}}}\n"
        "  outcomes: {died: {score: score_died, truth: died}}\n  test: {split: held_out}\n"
        f"output: {{uri: {folder / 'evaluated'}}}\ncompute: {{pool: serial}}\n"
    )
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter(pl.col("figure") == "rows")["value"].to_list() == [300.0]


@pytest.mark.parametrize(
    ("network", "settings"),
    [("retain", "hidden_alpha: 4, hidden_beta: 4"), ("code_transformer", "heads: 2, feedforward: 16")],
)
def test_every_network_is_trained_and_begins_from_what_was_trained(folder: Path, network: str, settings: str) -> None:
    keys = "fit: {epochs: 1, batch: 64}\nhistory: {window_days: 100, max_events: 5}"
    run(train_spec(folder, network, keys, network, settings))
    more = f"{keys}\nstart: {folder / network / 'model'}".replace(
        "epochs: 1, batch: 64, learning_rate: 0.01", "epochs: 1"
    )
    run(train_spec(folder, f"{network}-again", more, network, settings))
    models = [folder / name / "model" for name in (network, f"{network}-again")]
    known = ["code", "code/vocab_index", "values/mean", "values/std"]
    first, again = (pq.read_table(model / "codes.parquet", columns=known) for model in models)
    assert first.equals(again)
    losses = [pl.read_parquet(model / "history.parquet")["tuning_loss"][0] for model in models]
    assert losses[1] < losses[0] + 0.02
    run(predict_spec(folder, f"{network}-again/model", f"{network}-scored"))
    silent = sum(records for (_, state), records in account(folder / network).items() if state == "no_events")
    scored = rows(folder / f"{network}-scored")
    assert scored.filter(pl.col("status") == "no_events").height == silent > 1
    assert scored["n_used"].max() == 5


def test_a_model_of_two_seeds_is_the_mean_of_its_members(folder: Path) -> None:
    run(train_spec(folder, "two", "seeds: [0, 1]\nfit: {epochs: 1}"))
    model = folder / "two" / "model"
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_died")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "outputs": {"embedding": True}}))
    with pytest.raises(SpecError, match="embedding and contributions are of one network, and members names 2"):
        open_directory(str(model))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("network: {name: event_rn}", "event_rn"),
        ("network: {name: event_rnn, settings: {num_codes: 3}}", "num_codes follows from the data"),
        ("vocabulary: {min_subjects: 1300}", "no code occurs in 1300 of the training subjects"),
        ("carry: []", "no column 'boolean_value'"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(folder: Path, tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, str(tmp_path / "out"), keys))


def test_splits_that_the_dataset_does_not_have_are_an_error(tmp_path: Path, hospital: Hospital) -> None:
    write_dataset(tmp_path / "meds", [hospital.events()], row_group=1000)
    asked = [(subject, AT + timedelta(days=1)) for subject in hospital.subjects.tolist()]
    write_labels(tmp_path / "labels.parquet", asked, boolean_value=(hospital.outcome == 1).tolist())
    with pytest.raises(SpecError, match=r"the dataset has no metadata/subject_splits\.parquet"):
        run(train_spec(tmp_path, "out"))
