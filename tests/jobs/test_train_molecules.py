"""`job: train` end to end over made molecules: those with a nitrogen are active."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.cli.main import main
from jobs.model_directory import open_directory, verify_directory
from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.text_models import save_model
from tests.support.train_figures import area, losses, remarks, tuning_figures
from tests.support.train_runs import assert_mean_of_members

MOLECULES = 240
SPLITS = ("train", "train", "train", "tuning", "held_out")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Molecules with truth and split, one of which is none; a training in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-molecules")
    chance = np.random.default_rng(2)
    table = []
    for number in range(MOLECULES):
        active = int(chance.random() < 0.5)
        parts = chance.choice(["C", "CC", "O", "C(F)", "c1ccccc1"], 4).tolist()
        smiles = "C" + "".join(parts) + ("N" if active else "Cl")
        table.append((f"m{number}", smiles, active, SPLITS[number % len(SPLITS)]))
    table[0] = ("m0", "no molecule", 1, "train")
    pl.DataFrame(table, ["id", "smiles", "active", "split"], orient="row").write_csv(folder / "molecules.csv")
    run(train_spec(folder, folder / "out"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def train_spec(folder: Path, output: Path, keys: str = "", more: str = "") -> str:
    given = {
        "record_id": "id",
        "carry": "[active, split]",
        "outputs": "{active: {positive: 1}}",
        "splits": "{column: split}",
        "fingerprint": "{bits: 256}",
        "network": "{name: fingerprint_mlp, settings: {hidden: [16], dropout: 0.1}}",
        "fit": "{epochs: 10, batch: 16, learning_rate: 0.01}",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "none")
    return (
        f"job: train\nname: small\ninput:\n  collection: molecules\n  uri: {folder / 'molecules.csv'}\n"
        f"{lines}output: {{uri: {output}}}\ncompute: {{pool: serial, decode: threads, shard_records: 100}}\n{more}"
    )


def predict_spec(folder: Path, model: Path, output: Path) -> str:
    return (
        f"job: predict\nname: small\ninput: {{collection: molecules, uri: {folder / 'molecules.csv'}, record_id: id, "
        f"carry: [active, split]}}\nmodels: {{m: {{uri: {model}}}}}\noutput: {{uri: {output}}}\n"
        "compute: {pool: serial, decode: threads, shard_records: 100}\n"
    )


def test_predict_takes_the_model_and_tells_held_out_molecules_apart(folder: Path) -> None:
    held_out = rows(folder / "scored").filter(pl.col("split") == "held_out")
    right = (held_out["score_active"] > 0.5) == (held_out["active"] == "1")
    assert right.mean() > 0.9


def test_what_is_no_molecule_is_counted(folder: Path) -> None:
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    states = {(row["split"], row["state"]): row["records"] for row in manifest["tables"]["records by split"]}
    assert states == {
        ("train", "used"): 143,
        ("train", "unreadable"): 1,
        ("tuning", "used"): 48,
        ("held_out", "used"): 48,
    }


def test_counts_are_learned_too_and_a_training_begins_from_what_was_trained(folder: Path, tmp_path: Path) -> None:
    keys = "fingerprint: {bits: 64, counts: true}\nfit: {epochs: 3, batch: 16, learning_rate: 0.01}"
    run(train_spec(folder, tmp_path / "first", keys))
    start = f"start: {tmp_path / 'first' / 'model'}"
    run(train_spec(folder, tmp_path / "second", f"{keys}\n{start}"))
    histories = [pl.read_parquet(tmp_path / name / "model" / "history.parquet") for name in ("first", "second")]
    first, second = (history["tuning_loss"][0] for history in histories)
    assert second < first
    run(predict_spec(folder, tmp_path / "second" / "model", tmp_path / "scored"))
    with pytest.raises(SpecError, match=r"input\.start: sees the fingerprint"):
        run(train_spec(folder, tmp_path / "third", start))


def test_a_model_of_two_seeds_is_the_mean_of_its_members_and_is_verified(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "seeds: [0, 1]\nfit: {epochs: 2, batch: 16}"))
    model = tmp_path / "out" / "model"
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_active")
    checked = verify_directory(open_directory(str(model)))
    assert checked.scored is not None
    assert not checked.unlisted
    assert checked.sums == len(list(model.iterdir())) - 1
    start = f"seeds: [0]\nstart: {model}"
    with pytest.raises(SpecError, match=r"input\.start: .* holds several networks"):
        run(train_spec(folder, tmp_path / "again", start))


SMILES = "network: {name: huggingface}\nfingerprint: none\nfit: {epochs: 5, batch: 16, learning_rate: 0.008}\n"


def test_a_model_of_smiles_is_fine_tuned_and_predict_gives_the_scores_that_it_was_chosen_by(
    folder: Path, tmp_path: Path
) -> None:
    start = save_model(tmp_path / "base", "roberta", "", initializer_range=0.1)
    keys = f"{SMILES}start: {start}"
    run(train_spec(folder, tmp_path / "out", keys, "prepare: [{smiles: {form: given}}]\n"))
    assert remarks(tmp_path / "out") == ["the head began with fresh weights"]
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    scored = rows(tmp_path / "scored")
    auroc, loss = tuning_figures(scored, "active")
    best = losses(tmp_path / "out").sort("auroc", "epoch", descending=[True, False]).row(0, named=True)
    assert (best["auroc"], best["tuning_loss"]) == pytest.approx((auroc, loss), abs=1e-5)
    assert area(scored, "active") > 0.95
    assert main(["model", "verify", str(tmp_path / "out" / "model")]) == 0
    run(
        f"job: evaluate\nname: e\ninput:\n  run: {tmp_path / 'scored'}\n"
        f"  labels: {{uri: {tmp_path / 'out' / 'labelled.parquet'}}}\n"
        "  outcomes: {active: {score: score_active, truth: active}}\n  test: {split: held_out}\n"
        f"output: {{uri: {tmp_path / 'evaluated'}}}\ncompute: {{pool: serial}}\n"
    )
    figures = pl.read_parquet(tmp_path / "evaluated" / "metrics.parquet")
    assert figures.filter(pl.col("figure") == "rows")["value"].to_list() == [48.0]


def test_activities_that_were_shuffled_are_not_told_apart_by_their_smiles(folder: Path, tmp_path: Path) -> None:
    table = pl.read_csv(folder / "molecules.csv")
    table.with_columns(pl.col("active").shuffle(seed=3)).write_csv(tmp_path / "molecules.csv")
    start = save_model(tmp_path / "base", "roberta", "", initializer_range=0.1)
    run(train_spec(tmp_path, tmp_path / "out", f"{SMILES}start: {start}".replace("epochs: 5", "epochs: 2")))
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    assert 0.25 < area(rows(tmp_path / "scored"), "active") < 0.75


@pytest.mark.parametrize(
    ("keys", "more", "said"),
    [
        ("network: {name: mlp}", "", "mlp"),
        ("network: {name: fingerprint_mlp, settings: {num_inputs: 3}}", "", "num_inputs follows from the data"),
        ("", "prepare: [{smiles: {form: given}}]\n", "this one sees a fingerprint"),
        (f"{SMILES}start: elsewhere/\nfingerprint: {{bits: 64}}", "", "sees SMILES: leave it out"),
        (f"{SMILES}start: elsewhere/", "prepare: [{windows: {window: 8}}]\n", "unknown step 'windows'"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, keys: str, more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys, more))
