"""`job: train` end to end over PLINK files with a planted panel: trained, applied, evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.model_directory import open_directory
from schemas.errors import SpecError
from tests.support.planted_panel import PlantedPanel, planted_panel
from tests.support.plink_files import Cohort, write_bed, write_pgen
from tests.support.runs import rows, run
from tests.support.train_runs import assert_mean_of_members

SAMPLES, VARIANTS = 1200, 24
SPLITS = ("train", "train", "train", "train", "tuning", "held_out")
ABSENT = 2
"""Variants of the panel that the genotypes have not."""


@pytest.fixture(scope="module")
def panel() -> PlantedPanel:
    return planted_panel(SAMPLES, seed=3, variants=VARIANTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, panel: PlantedPanel) -> Path:
    """Genotypes, of which one variant is the same in everybody, labels, a training in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-genotypes")
    calls = np.where(panel.copies < 0, 3, panel.copies).astype(np.int8).T
    calls = np.ascontiguousarray(np.concatenate([calls, np.zeros((1, SAMPLES), np.int8)]))
    chrom = ["1"] * (VARIANTS - 3) + ["X"] * 4
    cohort = Cohort(calls, chrom, np.resize(np.array([1, 2], np.int8), SAMPLES))
    write_pgen(folder, cohort)
    write_bed(folder, cohort)
    every = np.arange(VARIANTS + 1 + ABSENT)
    pl.DataFrame(
        {
            "chrom": [*chrom, *["1"] * ABSENT],
            "pos": 5_000_000 + every,
            "effect_allele": np.where(every % 2, "A", "G"),
            "other_allele": np.where(every % 2, "G", "A"),
        }
    )[::-1].write_parquet(folder / "panel.parquet")
    names = [f"s{at}" for at in range(SAMPLES)]
    split = [SPLITS[at % len(SPLITS)] for at in range(SAMPLES)]
    pl.DataFrame({"IID": names, "sick": panel.outcome.astype(int), "split": split}).write_csv(folder / "labels.csv")
    run(train_spec(folder, folder / "out"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def train_spec(folder: Path, output: Path, keys: str = "", more: str = "") -> str:
    given = {
        "uri": str(folder / "cohort.pgen"),
        "format": "pgen",
        "build": "GRCh38",
        "panel": str(folder / "panel.parquet"),
        "labels": f"{{uri: {folder / 'labels.csv'}, key: IID}}",
        "outputs": "{sick: {}}",
        "splits": "{column: split}",
        "network": "{name: panel_mlp, settings: {hidden: [16]}}",
        "fit": "{epochs: 12, batch: 32, learning_rate: 0.01}",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "none")
    return (
        f"job: train\nname: small\ninput:\n  collection: genotypes\n{lines}output: {{uri: {output}}}\n"
        f"compute: {{pool: serial}}\n{more}"
    )


def predict_spec(folder: Path, model: Path, output: Path, source: str = "pgen") -> str:
    return (
        f"job: predict\nname: small\ninput: {{collection: genotypes, uri: {folder / 'cohort'}.{source}, "
        f"format: {source}, build: GRCh38}}\nmodels: {{m: {{uri: {model}}}}}\noutput: {{uri: {output}}}\n"
        "compute: {pool: serial}\n"
    )


def test_predict_takes_the_model_and_ranks_those_that_were_held_out(folder: Path, panel: PlantedPanel) -> None:
    held_out = np.array([SPLITS[at % len(SPLITS)] == "held_out" for at in range(SAMPLES)])
    score, outcome = rows(folder / "scored")["score_sick"].to_numpy()[held_out], panel.outcome[held_out]
    pairs = score[outcome == 1][:, None] - score[outcome == 0][None]
    risk = panel.risk[held_out]
    best = (risk[outcome == 1][:, None] > risk[outcome == 0][None]).mean()
    assert (pairs > 0).mean() > best - 0.08 > 0.6


def test_bed_gives_the_same_scores_as_pgen(folder: Path, tmp_path: Path) -> None:
    run(predict_spec(folder, folder / "out" / "model", tmp_path / "scored", "bed"))
    found = [rows(path / "scored")["score_sick"].to_numpy() for path in (folder, tmp_path)]
    np.testing.assert_allclose(*found, atol=1e-6)


def test_the_panel_is_what_the_genotypes_have_of_it_with_frequencies_of_training_samples(
    folder: Path, panel: PlantedPanel
) -> None:
    stored = pl.read_parquet(folder / "out" / "model" / "variants.parquet")
    assert stored["pos"].to_list() == [5_000_000 + row for row in range(VARIANTS)][::-1]
    train = np.array([SPLITS[at % len(SPLITS)] == "train" for at in range(SAMPLES)])
    copies = panel.copies[train, 4]
    expected = copies[copies >= 0].mean() / 2
    assert stored.filter(pl.col("pos") == 5_000_004)["effect_frequency"].item() == pytest.approx(expected)
    config = json.loads((folder / "out" / "model" / "config.json").read_text())
    assert config["notes"] == "1 variant of the panel left out: the same in all training samples"
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    (matched,) = manifest["tables"]["Matching by score"]
    assert (matched["variants"], matched["matched"]) == (VARIANTS + 1 + ABSENT, VARIANTS + 1)


def test_an_evaluation_takes_the_labelled_records(folder: Path) -> None:
    run(
        f"job: evaluate\nname: e\ninput:\n  run: {folder / 'scored'}\n"
        f"  labels: {{uri: {folder / 'out' / 'labelled.parquet'}}}\n"
        "  outcomes: {sick: {score: score_sick, truth: sick}}\n  test: {split: held_out}\n"
        f"output: {{uri: {folder / 'evaluated'}}}\ncompute: {{pool: serial}}\n"
    )
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter(pl.col("figure") == "rows")["value"].to_list() == [float(SAMPLES // len(SPLITS))]


@pytest.mark.parametrize(
    "network",
    [
        "{name: panel_cnn, settings: {channels: [4], kernels: [3], pools: [2], bins: 4}}",
        "{name: panel_transformer, settings: {patch: 4, width: 8, heads: 2, layers: 1, feedforward: 16}}",
    ],
)
def test_every_network_is_trained(folder: Path, tmp_path: Path, network: str) -> None:
    keys = f"network: {network}\nfit: {{epochs: 1}}\nscale: centre"
    run(train_spec(folder, tmp_path / "out", keys, more="prepare: [{haploid: {ploidy: diploid}}]\n"))
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    assert rows(tmp_path / "scored")["score_sick"].null_count() == 0


def test_a_model_of_two_seeds_is_the_mean_of_its_members(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "seeds: [0, 1]\nfit: {epochs: 2}"))
    model = tmp_path / "out" / "model"
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_sick")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "embedding": True}))
    with pytest.raises(SpecError, match="embedding: is of one network, and members names 2"):
        open_directory(str(model))


def test_folds_and_a_search_over_the_scale_share_one_panel(folder: Path, tmp_path: Path) -> None:
    keys = "folds: 2\nsearch: {scale: [copies, standardise]}\nfit: {epochs: 1, learning_rate: 0.01}"
    tables = run(train_spec(folder, tmp_path / "out", keys)).manifest.tables
    (chosen,) = [json.loads(row["settings"]) for row in tables["search"] if row["chosen"]]
    config = json.loads((tmp_path / "out" / "model" / "config.json").read_text())
    assert (config["scale"], len(config["members"])) == (chosen["scale"], 2)
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    assert rows(tmp_path / "scored")["score_sick"].null_count() == 0


@pytest.mark.parametrize(
    ("keys", "more", "said"),
    [
        ("network: {name: panel_ml}", "", "panel_ml"),
        ("network: {name: panel_mlp, settings: {num_variants: 3}}", "", "num_variants follows from the data"),
        ("build: none", "", "build: is needed"),
        ("qc: all", "", "qc: is of predict jobs"),
        ("", "prepare: [{impute: {missing: none}}]\n", "impute does nothing in a training"),
        ("", "prepare: [{match: {ambiguous: frequency}}]\n", "held-out samples too"),
        ("", "prepare: [{match: {min_overlap: 0.99}}]\n", "25 of its 27 variants are among the genotypes"),
        ("panel: /nowhere/panel.parquet", "", "is not there"),
        ("outputs: {sck: {}}", "", "no column 'sck'"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, keys: str, more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys, more))
