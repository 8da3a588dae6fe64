"""`job: train` with folds and a search: fitted, chosen, packaged, and the same after a kill."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import polars as pl
import pytest

from cluster.storage import open_store
from jobs.cli.summary import table_text
from jobs.report_file import write_report
from jobs.verification.verify import verify
from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.small_run import finish, start
from tests.support.train_runs import assert_mean_of_members, predict_spec, train_spec, weights

SEARCH = "folds: 3\nsearch: {fit.learning_rate: [0.0001, 0.02], network.channels: [[2, 4], [4, 8]]}"
NETWORK = "network: {name: smallcnn, settings: {strides: [1, 2]}}"
KEYS = f"{SEARCH}\n{NETWORK}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and a finished search over folds in `out`."""
    folder = tmp_path_factory.mktemp("train-search")
    run(train_spec(folder, folder / "out", KEYS, fit="epochs: 2"))
    return folder


def tables(output: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads((output / "manifest.json").read_text())["tables"]
    return found


def test_every_point_is_fitted_in_every_fold_and_the_best_mean_is_chosen(folder: Path) -> None:
    fits, search = tables(folder / "out")["fits by seed"], tables(folder / "out")["search"]
    assert [(row["point"], row["fold"]) for row in fits] == [(p, f) for p in (1, 2, 3, 4) for f in (1, 2, 3)]
    assert json.loads(str(search[1]["settings"])) == {"fit.learning_rate": 0.0001, "network.channels": [4, 8]}
    for row in search:
        values = [float(str(fit["tuning"])) for fit in fits if fit["point"] == row["point"]]
        assert (row["mean"], row["deviation"]) == pytest.approx((fmean(values), stdev(values)))
    best = max(search, key=lambda row: float(str(row["mean"])))
    assert [row["point"] for row in search if row["chosen"]] == [best["point"]]
    stored = pl.read_parquet(folder / "out" / "model" / "search.parquet")
    assert stored["fit.learning_rate"].to_list() == [0.0001, 0.0001, 0.02, 0.02]
    assert stored.select("point", "mean", "chosen").rows() == [(r["point"], r["mean"], r["chosen"]) for r in search]
    (folds,) = tables(folder / "out")["held-out folds"]
    assert (folds["folds"], folds["mean"], folds["deviation"]) == (3, best["mean"], best["deviation"])


def test_the_model_is_the_mean_of_the_folds_of_the_point_that_was_chosen(folder: Path) -> None:
    model = folder / "out" / "model"
    (chosen,) = [row for row in tables(folder / "out")["search"] if row["chosen"]]
    config = json.loads((model / "config.json").read_text())
    settings = json.loads(str(chosen["settings"]))
    assert config["settings"]["channels"] == settings["network.channels"]
    assert len(config["members"]) == 3
    history = pl.read_parquet(model / "history.parquet")
    assert history.select("fold", "epoch").rows() == [(fold, epoch) for fold in (1, 2, 3) for epoch in (1, 2)]
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_sick")
    card = (model / "model_card.md").read_text()
    for said in (f'"learning_rate":{settings["fit.learning_rate"]}', "over 3 folds of subjects", "over 4 points"):
        assert said in card


def test_summary_and_report_show_the_search_and_the_folds(folder: Path) -> None:
    lines = table_text("search", tables(folder / "out")["search"]).splitlines()
    assert sorted(line.split()[-1] for line in lines[2:]) == ["no", "no", "no", "yes"]
    write_report(open_store(str(folder / "out")))
    page = (folder / "out" / "report.html").read_text()
    for said in ("held-out folds", "network.channels", "fold 3, seed 0"):
        assert said in page


def test_no_subject_is_in_two_folds_and_held_out_ones_are_in_none(folder: Path) -> None:
    labelled = pl.read_parquet(folder / "out" / "labelled.parquet")
    used = labelled.filter(pl.col("split") != "held_out")
    assert used["fold"].null_count() == 0
    assert labelled.filter(pl.col("split") == "held_out")["fold"].null_count() == 12
    people = pl.read_csv(folder / "labels.csv").join(used, left_on="image", right_on="record_id")
    assert people.group_by("fold").len()["len"].to_list() == [12, 12, 12]
    assert people.group_by("image").agg(pl.col("fold").n_unique())["fold"].max() == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "point",
    ["side.after_put:9", "checkpoint.after_put:7", "commit.before_put:12", "side.before_put:26", "manifest.before_put"],
)
def test_a_search_that_was_killed_ends_with_the_same_bits(folder: Path, tmp_path: Path, point: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(train_spec(folder, tmp_path / "out", KEYS, "limits: {checkpoint_every: 0s}\n", fit="epochs: 2"))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = finish(start(spec))
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert weights(tmp_path / "out") == weights(folder / "out")
    for name in ("model_card.md", "search.parquet", "history.parquet"):
        if name.endswith(".md"):
            assert (tmp_path / "out" / "model" / name).read_bytes() == (folder / "out" / "model" / name).read_bytes()
        else:
            mine, clean = (pl.read_parquet(one / "out" / "model" / name) for one in (tmp_path, folder))
            assert mine.equals(clean)


def test_folds_without_a_search_are_one_model_too(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "folds: 2\nseeds: [1, 2]", fit="epochs: 1"))
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    assert rows(tmp_path / "scored")["score_sick"].null_count() == 0
    assert len(weights(tmp_path / "out")) == 4
    (folds,) = tables(tmp_path / "out")["held-out folds"]
    values = np.array([float(str(row["tuning"])) for row in tables(tmp_path / "out")["fits by seed"]])
    assert folds["mean"] == pytest.approx(values.mean())
    assert (folds["lowest"], folds["highest"]) == pytest.approx(tuple(sorted(values.reshape(2, 2).mean(1))))
    assert "search" not in tables(tmp_path / "out")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            "search: {fit.learning_rat: [1, 2]}",
            r"fit\.learning_rat' is no setting .*, did you mean 'fit\.learning_rate",
        ),
        ("search: {labels: [1, 2]}", "'labels' is no setting that a search may change"),
        (
            "search: {fit.loss: [1, 2]}",
            r"search\.fit\.loss: is a group of settings: name one of them, such as fit",
        ),
        ("search: {fit.learning_rate: []}", r"search\.fit\.learning_rate: has no values: give two at least"),
        ("search: {fit.learning_rate: [0.1]}", r"search\.fit\.learning_rate: has one value, 0\.1: give two"),
        ("search: {fit.learning_rate: 0.1}", r"search\.fit\.learning_rate: must be a list"),
        ("search: {fit.epochs: [1, 1]}", r"search\.fit\.epochs: 1 stands there twice"),
        ("search: {fit.epochs: [1, 0]}", r"search: fit\.epochs: 0: input: fit\.epochs: must be at least 1"),
        ("search: {fit.epochs: [1, true]}", r"search: fit\.epochs: true: .*must not be true or false"),
        (
            "search: {fit.loss.kind: [focal, huber]}",
            r"search: fit\.loss\.kind: \"huber\": loss\.kind: huber is not",
        ),
        ("search: {fit.metric: [auroc, kappa]}", r"search: fit\.metric: \"kappa\": metric: kappa is not for binary"),
        ("search: {fit.metric: [loss, auroc]}", r"\"loss\" and .* have another fit\.metric, .* auroc or accuracy"),
        ("search: {fit.loss.kind: [likelihood, focal], fit.metric: [loss, auroc]}", "another fit"),
        (
            f"search: {{fit.batch: {list(range(2, 103))}, fit.epochs: {list(range(1, 101))}}}",
            "10,100 points, 1 folds and 1 seeds are 10,100 fits, and one training has 10,000 at most",
        ),
        ("search: {network.name: [smallcnn, resnt]}", r"search: network\.name: \"resnt\": .*resnet"),
        ("search: {network.widht: [1, 2]}", r"search: network\.widht: 1: input\.network\.settings of smallcnn"),
        ("search: {network.channels: [[4, 8], four]}", r"search: network\.channels: \"four\""),
        ("search: {network.width: [1, 2], network.settings.width: [1, 2]}", "are one setting"),
        ("search: {augment: [[flip], [flp]]}", r"search: augment: \[\"flp\"\].*flip"),
        ("folds: 1", r"folds: must be at least 2"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_prepared(folder: Path, tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys))
    assert not list((tmp_path / "out").glob("stages/prepare/rows/*"))


@pytest.mark.parametrize("key", ["fit.loss.kind: [likelihood, focal]", "fit.loss.smoothing: [0, 0.1]"])
def test_points_are_not_told_apart_by_losses_that_measure_otherwise(folder: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(SpecError, match=r"another fit\.loss, which is what fit\.metric measures.*auroc or accuracy"):
        run(train_spec(folder, tmp_path / "out", f"search: {{{key}}}", fit="epochs: 1, metric: loss"))
    assert not list((tmp_path / "out").glob("stages/prepare/rows/*"))


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (37, "folds: 37 folds of 36 subjects cannot be"),
        (36, r"in fold \d+, and all with one answer: .* or give fewer folds"),
    ],
)
def test_folds_that_cannot_be_told_are_an_error(folder: Path, tmp_path: Path, folds: int, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", f"folds: {folds}"))
