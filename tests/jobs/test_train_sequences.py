"""`job: train` end to end over made sequences: those with a motif are active, and how strong follows from their GC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.cli.main import main
from schemas.errors import SpecError
from tests.support.planted_notes import SPLITS, evaluate_spec
from tests.support.runs import rows, run
from tests.support.train_figures import account, area, losses, tuning_figures
from tests.support.train_runs import assert_mean_of_members

RECORDS, WINDOW, MOTIF = 400, 61, "TATAAT"


def make_sequences(folder: Path) -> None:
    """Sequences with truths and split; one has another length, one letters that are no bases."""
    chance = np.random.default_rng(6)
    table = []
    for number in range(RECORDS):
        bases = "".join(chance.choice(list("ACGT"), WINDOW))
        active = int(chance.random() < 0.5)
        if active:
            at = int(chance.integers(12, WINDOW - 18))
            bases = bases[:at] + MOTIF + bases[at + len(MOTIF) :]
        strength = (bases.count("G") + bases.count("C")) / WINDOW
        table.append((f"s{number}", bases, active, strength, SPLITS[number % len(SPLITS)]))
    table[0] = ("s0", "ACGT", 1, 0.5, "train")
    table[1] = ("s1", "?" * WINDOW, 1, 0.5, "train")
    table[2] = ("s2", "N" * 10 + table[2][1][10:].lower(), *table[2][2:])
    pl.DataFrame(table, ["record_id", "sequence", "active", "strength", "split"], orient="row").write_parquet(
        folder / "sequences.parquet"
    )


def train_spec(folder: Path, output: Path, keys: str = "", more: str = "") -> str:
    given = {
        "carry": "[active, strength, split]",
        "outputs": "{active: {}}",
        "splits": "{column: split}",
        "network": "{name: dilated_resnet, settings: {channels: 16, kernels: [7, 7], dilations: [1, 2], skip_every: 1, "
        "positions: 25, pooling: max}}",
        "fit": "{epochs: 8, batch: 16, learning_rate: 0.01}",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "none")
    return (
        f"job: train\nname: small\ninput:\n  collection: sequences\n  uri: {folder / 'sequences.parquet'}\n{lines}"
        f"output: {{uri: {output}}}\ncompute: {{pool: serial, shard_records: 100}}\n{more}"
    )


def predict_spec(folder: Path, model: Path, output: Path) -> str:
    return (
        f"job: predict\nname: small\ninput: {{collection: sequences, uri: {folder / 'sequences.parquet'}, "
        f"carry: [active, strength, split]}}\nmodels: {{m: {{uri: {model}}}}}\noutput: {{uri: {output}}}\n"
        "compute: {pool: serial, shard_records: 64}\n"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sequences, a training on both strands in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-sequences")
    make_sequences(folder)
    run(train_spec(folder, folder / "out", more="prepare: [both_strands]\n"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def test_predict_takes_the_model_and_tells_held_out_sequences_apart(folder: Path) -> None:
    scored = rows(folder / "scored")
    assert scored.filter(pl.col("split") == "held_out").height == 80
    assert area(scored, "active") > 0.9


def test_scores_of_both_strands_are_those_by_which_the_epoch_was_chosen(folder: Path) -> None:
    auroc, loss = tuning_figures(rows(folder / "scored"), "active")
    best = losses(folder / "out").sort("auroc", "epoch", descending=[True, False]).row(0, named=True)
    assert (best["auroc"], best["tuning_loss"]) == pytest.approx((auroc, loss), abs=1e-5)


def test_what_the_network_cannot_take_is_counted(folder: Path) -> None:
    assert account(folder / "out") == {
        ("train", "used"): 238,
        ("train", "out_of_contract"): 2,
        ("tuning", "used"): 80,
        ("held_out", "used"): 80,
    }


def test_an_evaluation_takes_the_labelled_records(folder: Path) -> None:
    run(evaluate_spec(folder, "active", "task: binary"))
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter((pl.col("figure") == "auroc") & pl.col("point").eq(""))["value"].item() > 0.9


def test_a_number_is_learned_and_a_training_begins_from_what_was_trained(folder: Path, tmp_path: Path) -> None:
    keys = (
        "outputs: {strength: {task: number}}\nfit: {epochs: 2, batch: 16, learning_rate: 0.01}\n"
        "network: {name: dilated_resnet, settings: {channels: 8, kernels: [5], dilations: [1], skip_every: 1, "
        "positions: 53, pooling: mean}}"
    )
    run(train_spec(folder, tmp_path / "first", keys))
    run(train_spec(folder, tmp_path / "second", f"{keys}\nstart: {tmp_path / 'first' / 'model'}"))
    first, second = (losses(tmp_path / name)["tuning_loss"] for name in ("first", "second"))
    assert second[0] < first[0]
    run(predict_spec(folder, tmp_path / "second" / "model", tmp_path / "scored"))
    tuning = rows(tmp_path / "scored").filter(pl.col("split") == "tuning")
    squares = ((tuning["score_strength"].cast(pl.Float64) - tuning["strength"]) ** 2).mean()
    assert second.min() == pytest.approx(squares, abs=1e-6)


def test_truths_that_were_shuffled_are_not_told_apart(folder: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(folder / "sequences.parquet")
    table.with_columns(pl.col("active").shuffle(seed=1)).write_parquet(tmp_path / "sequences.parquet")
    run(train_spec(tmp_path, tmp_path / "out", "fit: {epochs: 3, batch: 16, learning_rate: 0.01}"))
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    assert 0.3 < area(rows(tmp_path / "scored"), "active") < 0.7


@pytest.mark.parametrize("command", ["inspect", "verify", "card"])
def test_the_command_line_knows_the_directory(folder: Path, command: str) -> None:
    assert main(["model", command, str(folder / "out" / "model")]) == 0


def test_a_model_of_two_seeds_is_the_mean_of_its_members(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "seeds: [0, 1]"))
    model = tmp_path / "out" / "model"
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_active")


@pytest.mark.parametrize(
    ("keys", "more", "said"),
    [
        ("network: {name: dilated}", "", "dilated"),
        ("network: {name: dilated_resnet, settings: {num_outputs: 3}}", "", "num_outputs follows from the data"),
        ("network: {name: dilated_resnet, settings: {kernels: [4], dilations: [1]}}", "", "has no middle"),
        ("search: {network.positions: [25, 27]}", "", "for a window of 61 bases, and this network takes 63"),
        ("format: vcf\nreference: x.fa\ncarry: none", "", "trained on sequences, not on variants"),
        ("", "prepare: [{window: {length: 50}}]\n", "window.length is for variants"),
        ("", "prepare: [{window: {edges: refuse}}]\n", "window.edges is for variants"),
        ("", "prepare: [{splice: {}}]\n", "gives no splice sites"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, keys: str, more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys, more))
