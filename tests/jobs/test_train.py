"""`job: train` end to end over pictures: prepared, fitted, packaged, then applied and evaluated."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
import tifffile
import torch
from safetensors.torch import save

from cluster.pool import Stop
from cluster.storage import StorageSettings, open_store
from jobs.execute import Watchers
from jobs.hosts import open_host
from jobs.leftovers import leftovers
from jobs.preview import preview
from jobs.report_file import write_report
from jobs.running import prepare_job, run_stages
from jobs.trial import try_out
from jobs.verification.verify import verify
from schemas.errors import FingerprintError, IncompleteError, SpecError, VerificationError
from schemas.spec import parse_spec
from tests.support.runs import rows, run
from tests.support.train_runs import make_pictures, predict_spec, train_spec, weights
from workers.finished_runs.stage import stage_at
from workers.images.formats.native import FORMAT
from workers.images.onnx_export import export
from workers.models.tensor_files import with_metadata


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, labels, and a finished training of two seeds in `out`."""
    folder = tmp_path_factory.mktemp("train")
    run(train_spec(folder, folder / "out", "seeds: [3, 4]"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def scores(folder: Path) -> pl.DataFrame:
    return rows(folder).select("record_id", "status", "score_sick")


def test_the_model_directory_is_taken_by_predict_and_tells_the_classes_apart(folder: Path) -> None:
    found = scores(folder / "scored").join(
        pl.read_csv(folder / "labels.csv"), left_on="record_id", right_on="image", maintain_order="left"
    )
    held_out = found.filter(pl.col("split") == "held_out")
    assert held_out["status"].unique().to_list() == ["ok"]
    means = dict(held_out.group_by("sick").agg(pl.col("score_sick").mean()).iter_rows())
    assert means[1] > means[0]


def test_a_model_of_two_seeds_is_the_mean_of_the_models_of_each(folder: Path) -> None:
    parts = []
    for seed in (3, 4):
        run(train_spec(folder, folder / f"one-{seed}", f"seeds: [{seed}]"))
        run(predict_spec(folder, folder / f"one-{seed}" / "model", folder / f"scored-{seed}"))
        parts.append(scores(folder / f"scored-{seed}")["score_sick"].to_numpy().astype(np.float64))
    together = scores(folder / "scored")["score_sick"].to_numpy()
    np.testing.assert_allclose(together, np.mean(parts, axis=0), atol=1e-6)
    assert np.abs(parts[0] - parts[1]).max() > 1e-4


def test_a_model_of_two_seeds_scores_the_same_as_an_onnx_file(folder: Path, tmp_path: Path) -> None:
    model = folder / "out" / "model"
    exported = export(model, FORMAT.describe(model))
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(exported.onnx)
    (tmp_path / "onnx" / "wardround.json").write_text(json.dumps(dict(exported.card)))
    run(predict_spec(folder, tmp_path / "onnx", tmp_path / "scored"))
    found, ours = (scores(one)["score_sick"].to_numpy() for one in (tmp_path / "scored", folder / "scored"))
    np.testing.assert_allclose(found, ours, atol=1e-5)


def test_the_directory_says_what_it_holds(folder: Path) -> None:
    model = folder / "out" / "model"
    sums = dict(line.split("  ")[::-1] for line in (model / "SHA256SUMS").read_text().splitlines())
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in model.iterdir()}
    assert sums == {name: digest for name, digest in files.items() if name != "SHA256SUMS"}
    assert json.loads((model / "config.json").read_text())["value_range"] == [0.0, 1.0]
    history = pl.read_parquet(model / "history.parquet")
    assert history.select("seed", "epoch").rows() == [(seed, epoch) for seed in (3, 4) for epoch in (1, 2, 3)]
    card = (model / "model_card.md").read_text()
    digest = hashlib.sha256((folder / "labels.csv").read_bytes()).hexdigest()
    for said in (digest, "| held_out | used | 12 |", "## Intended use", "_not stated_", "## Tuning"):
        assert said in card


def test_records_and_fits_are_counted_in_the_manifest_and_drawn_in_the_report(folder: Path) -> None:
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert [(row["split"], row["state"], row["records"]) for row in manifest["tables"]["records by split"]] == [
        ("train", "used", 24),
        ("tuning", "used", 12),
        ("held_out", "used", 12),
    ]
    assert [(row["seed"], row["epochs"], row["ended"]) for row in manifest["tables"]["fits by seed"]] == [
        (3, 3, "as planned"),
        (4, 3, "as planned"),
    ]
    history = pl.read_parquet(folder / "out" / "model" / "history.parquet")
    for row in manifest["tables"]["fits by seed"]:
        own = history.filter((pl.col("seed") == row["seed"]) & (pl.col("epoch") == row["best_epoch"]))
        assert own["auroc"].to_list() == [row["tuning"]]
    assert write_report(open_store(str(folder / "out"))).endswith("report.html")
    page = (folder / "out" / "report.html").read_text()
    for title in ("Loss by epoch", "auroc of tuning records by epoch"):
        assert title in page


def test_a_finished_training_has_no_checkpoints_left_and_a_second_command_does_nothing(folder: Path) -> None:
    assert list((folder / "out").glob("stages/fit/checkpoints/**/*.safetensors")) == []
    before = weights(folder / "out")
    assert run(train_spec(folder, folder / "out", "seeds: [3, 4]")).nothing_to_do
    assert weights(folder / "out") == before


def test_a_state_that_a_late_driver_kept_is_left_over_and_one_of_another_run_is_a_fault(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    store, key = open_store(str(tmp_path / "out")), "stages/fit/checkpoints/seed-3/00000099.safetensors"
    body = save({"a": torch.zeros(1)})
    store.put(key, with_metadata(body, {"fingerprint": stage_at(store, "fit").run.fingerprint}), {})
    verify(store)
    assert [one.key for one in leftovers(store, timedelta(0))] == [key]
    store.put(key, with_metadata(body, {"fingerprint": "0" * 64}), {})
    with pytest.raises(VerificationError, match="lies in a folder of the run"):
        verify(store)


def test_an_evaluation_takes_the_labelled_records_as_its_labels(folder: Path) -> None:
    run(
        f"job: evaluate\nname: e\ninput:\n  run: {folder / 'scored'}\n"
        f"  labels: {{uri: {folder / 'out' / 'labelled.parquet'}}}\n"
        "  outcomes: {sick: {score: score_sick, truth: sick}}\n  test: {split: held_out}\n"
        f"output: {{uri: {folder / 'evaluated'}}}\ncompute: {{pool: serial}}\n"
    )
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter(pl.col("figure") == "rows")["value"].to_list() == [12.0]


def test_classes_are_labelled_by_the_names_that_an_evaluation_knows(folder: Path, tmp_path: Path) -> None:
    keys = 'outputs: {grade: {task: classes, classes: [2, "1", 0]}}'
    run(train_spec(folder, tmp_path / "out", keys, fit="epochs: 1"))
    found = pl.read_parquet(tmp_path / "out" / "labelled.parquet").sort("record_id")
    given = pl.read_csv(folder / "labels.csv").sort("image")
    assert found["grade"].to_list() == [str(value) for value in given["grade"]]


def test_plan_tells_what_it_would_read_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    job = prepare_job(parse_spec(train_spec(folder, tmp_path / "out")), StorageSettings())
    with preview(job) as seen:
        assert (seen.info.records, seen.output) == (48, "nothing yet")
    assert tuple(job.collection.stages) == ("prepare", "fit", "package")
    assert not (tmp_path / "out").exists()


def test_a_trial_reads_and_prepares_some_records_and_shows_none_of_them(folder: Path, tmp_path: Path) -> None:
    job = prepare_job(parse_spec(train_spec(folder, tmp_path / "out")), StorageSettings())
    with preview(job) as seen:
        trial = try_out(job, seen, 10, timed=False)
    assert ([one.stage for one in trial.stages], trial.records, trial.whole) == (["prepare"], 10, False)
    assert (trial.statuses, trial.values) == ({"ok": 10}, ())


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        ("{grade: {task: classes, classes: [0, 1, 2]}}", ["score_0", "score_1", "score_2"]),
        ("{grade: {task: ordinal, classes: [0, 1, 2]}}", ["score_grade_above_0", "score_grade_above_1"]),
        ("{sick: {}, high: {truth: grade, positive: 2}}", ["score_sick", "score_high"]),
        ("{grade: {task: number}}", ["score_grade"]),
    ],
)
def test_every_task_gives_a_model_with_columns_of_its_own(
    folder: Path, tmp_path: Path, outputs: str, labels: list[str]
) -> None:
    run(train_spec(folder, tmp_path / "out", f"outputs: {outputs}", fit="epochs: 1"))
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    assert [name for name in rows(tmp_path / "scored").columns if name.startswith("score_")] == labels


def test_what_is_not_learned_from_is_counted_by_reason(folder: Path, tmp_path: Path) -> None:
    table = pl.read_csv(folder / "labels.csv", infer_schema=False)
    table = table.with_columns(
        split=pl.when(pl.col("image") == "001.png").then(pl.lit("elsewhere")).otherwise("split"),
        sick=pl.when(pl.col("image") == "000.png").then(None).otherwise("sick"),
    )
    table = pl.concat([table[:-1], pl.DataFrame({**table[0].to_dict(as_series=False), "image": ["not-there.png"]})])
    table.write_csv(tmp_path / "labels.csv")
    (folder / "pictures" / "letter.txt").write_text("no picture")
    try:
        run(train_spec(folder, tmp_path / "out", f"labels: {{uri: {tmp_path / 'labels.csv'}, key: image}}"))
    finally:
        (folder / "pictures" / "letter.txt").unlink()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    found = {(row["split"], row["state"]): row["records"] for row in manifest["tables"]["records by split"]}
    assert found == {
        ("train", "used"): 22,
        ("train", "no truth"): 1,
        ("tuning", "used"): 12,
        ("held_out", "used"): 11,
        ("none", "no label"): 1,
        ("none", "no split"): 1,
        ("none", "unreadable"): 1,
        ("none", "label without a record"): 1,
    }


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("{name: smalcnn}", "did you mean 'smallcnn'?"),
        ("{name: smallcnn, settings: {chanels: [4]}}", "unknown key 'chanels', did you mean 'channels'?"),
        ("{name: smallcnn, settings: {channels: 4}}", "channels: must be a list"),
    ],
)
def test_a_network_that_cannot_be_is_refused_before_any_record_is_read(
    folder: Path, tmp_path: Path, network: str, told: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(told)):
        run(train_spec(folder, tmp_path / "out", f"network: {network}"))
    assert not (tmp_path / "out").exists()


def test_a_training_begins_from_the_weights_of_a_model_directory(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "first", fit="epochs: 1, learning_rate: 0.01"))
    start = f"start: {tmp_path / 'first' / 'model'}"
    run(train_spec(folder, tmp_path / "second", start, fit="epochs: 1, learning_rate: 1.0e-12"))
    assert weights(tmp_path / "second") != weights(tmp_path / "first")
    history = [pl.read_parquet(tmp_path / name / "model" / "history.parquet") for name in ("first", "second")]
    assert history[1]["tuning_loss"][0] == pytest.approx(history[0]["tuning_loss"][0], rel=0.2)


def test_a_start_of_another_network_is_refused_before_any_record_is_prepared(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "first", fit="epochs: 1, learning_rate: 0.01"))
    start = f"start: {tmp_path / 'first' / 'model'}\nnetwork: {{name: resnet}}"
    with pytest.raises(SpecError, match="is a model of smallcnn, and"):
        run(train_spec(folder, tmp_path / "second", start))
    assert not list((tmp_path / "second").glob("stages/prepare/*/*.parquet"))


def test_a_time_limit_keeps_the_best_so_far_as_a_model(folder: Path, tmp_path: Path) -> None:
    outcome = run(train_spec(folder, tmp_path / "out", more="limits: {fit_time: 1ms}\n", fit="epochs: 1000"))
    assert (
        outcome.manifest.tables["fits by seed"][0]["ended"],
        outcome.manifest.tables["fits by seed"][0]["epochs"],
    ) == (
        "limits.fit_time",
        1,
    )
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))


def test_records_that_are_prepared_serve_another_fit_as_long_as_none_is_under_way(folder: Path, tmp_path: Path) -> None:
    wrong = "network: {name: smallcnn, settings: {channels: [4, 8], strides: [1]}}"
    with pytest.raises(SpecError, match="strides"):
        run(train_spec(folder, tmp_path / "out", wrong))
    prepared = tmp_path / "out" / "stages" / "prepare" / "rows" / "shard-000000.parquet"
    made = prepared.stat().st_mtime_ns
    run(train_spec(folder, tmp_path / "out", "seeds: [1, 2]"))
    assert prepared.stat().st_mtime_ns == made
    verify(open_store(str(tmp_path / "out")))
    with pytest.raises(FingerprintError, match=r"another run lies at output\.uri; changed: input"):
        run(train_spec(folder, tmp_path / "out", "seeds: [3]"))


def test_limits_of_a_fit_are_refused_where_nothing_is_fitted(folder: Path, tmp_path: Path) -> None:
    text = predict_spec(folder, folder / "out" / "model", tmp_path / "out")
    with pytest.raises(SpecError, match=r"limits\.fit_time: a predict job fits nothing"):
        run(text + "limits: {fit_time: 1h}\n")


@pytest.mark.long
def test_a_run_that_was_begun_can_be_given_less_time(folder: Path, tmp_path: Path) -> None:
    text = train_spec(folder, tmp_path / "out", fit="epochs: 400, learning_rate: 0.01")
    turns = iter(range(10**9))

    def should_stop() -> Stop:
        """Asked by the driver at each of its turns: once the fit is on its way."""
        checkpoints = list((tmp_path / "out").glob("stages/fit/run.json"))
        return "drain" if checkpoints and next(turns) > 20 else "no"

    said = r"stopped with 0 of 1 fit done, at seed-0: epoch \d+ of 400, step .*; it goes on from the newest state"
    with pytest.raises(IncompleteError, match=said):
        run_stages(parse_spec(text), open_host, Watchers(lambda progress: None, should_stop), lambda line: None)
    assert list((tmp_path / "out").glob("stages/fit/checkpoints/seed-0/*.safetensors"))
    outcome = run(f"{text}limits: {{fit_time: 1ms}}\n")
    assert outcome.manifest.tables["fits by seed"][0]["ended"] == "limits.fit_time"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("outputs: {sick: {positive: 7}}", "all with one answer"),
        ("outputs: {sck: {}}", "no column 'sck'"),
        ("outputs: {grade: {task: classes, classes: [0, 1]}}", "none of `classes`"),
        ("outputs: {part: {task: number, truth: split}}", "are no numbers"),
        ("splits: {column: split, tuning: other}", "not one labelled record is in tuning"),
        ("splits: {column: sick, train: 0, tuning: 1}", "all with one answer"),
        ("network: {name: smalcnn}", "smalcnn"),
        ("network: {name: smallcnn, settings: {chanels: [4]}}", "chanels"),
        ("fit: {metric: kappa}", "kappa is not for binary"),
        ("fit: {loss: {kind: huber}}", "huber is not for binary"),
        ("outputs: {sick: {}, grade: {task: number}}", "outputs of one task"),
        ("seeds: [1, 1]", "stands there twice"),
        ("augment: [flop]", "augment\\[0\\]: unknown step 'flop'"),
        ("network: {name: smallcnn, settings: {in_channels: 3}}", "follows from the data"),
        ("frame: all", "one frame at a time"),
        ("labels: none\nsplits: {shares: {train: 0.5, tuning: 0.5, held_out: 0}}", "no column 'sick'"),
    ],
)
def test_a_spec_that_does_not_fit_its_labels_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, keys: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys))


def test_steps_of_a_model_are_refused_where_there_is_none_yet(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="'model' stands for the steps of a model directory"):
        run(train_spec(folder, tmp_path / "out").replace("prepare: [", "prepare: [model, "))


def test_frames_are_records_of_their_own_with_labels_of_their_own(tmp_path: Path) -> None:
    make_pictures(tmp_path / "single", 24).write_csv(tmp_path / "single.csv")
    (tmp_path / "pictures").mkdir()
    rows = []
    table = pl.read_csv(tmp_path / "single.csv")
    for number in range(0, 24, 4):
        names = table["image"].to_list()[number : number + 4]
        frames = [cv2.imread(str(tmp_path / "single" / name), cv2.IMREAD_UNCHANGED) for name in names]
        tifffile.imwrite(tmp_path / "pictures" / f"{number}.tiff", np.stack(frames), photometric="minisblack")
        rows += [(f"{number}.tiff#{frame}", table["sick"][number + frame]) for frame in range(4)]
    pl.DataFrame(rows, ["image", "sick"], orient="row").write_csv(tmp_path / "labels.csv")
    splits = "splits: {shares: {train: 0.5, tuning: 0.5, held_out: 0}, seed: 1}"
    outcome = run(train_spec(tmp_path, tmp_path / "out", f"record: frame\n{splits}", fit="epochs: 1"))
    found = outcome.manifest.tables["records by split"]
    assert sum(row["records"] for row in found if row["state"] == "used") == 24
    assert len(list((tmp_path / "out").glob("stages/headers/rows/*.parquet"))) == 1


def test_a_subject_in_two_splits_is_an_error(folder: Path, tmp_path: Path) -> None:
    table = pl.read_csv(folder / "labels.csv").with_columns(uri=pl.lit(f"{folder}/pictures/") + pl.col("image"))
    table = table.with_columns(split=pl.when(pl.col("image") == "001.png").then(pl.lit("tuning")).otherwise("split"))
    table.write_csv(tmp_path / "table.csv")
    text = train_spec(folder, tmp_path / "out", "labels: none").replace(
        f"uri: {folder / 'pictures'}",
        f"uri: {tmp_path / 'table.csv'}\n  roots: [{folder}]\n  record_id: image\n  subject_id: person\n"
        "  carry: [sick, split]",
    )
    with pytest.raises(SpecError, match="1 subject have records in more than one split"):
        run(text)


def test_pictures_of_several_shapes_are_an_error_that_names_them(tmp_path: Path) -> None:
    text = train_spec(tmp_path, tmp_path / "out")
    cv2.imwrite(str(tmp_path / "pictures" / "000.png"), np.zeros((9, 8), np.uint8))
    with pytest.raises(SpecError, match=r"2 different shapes \(\(8, 8\), \(9, 8\) first\)"):
        run(text)
