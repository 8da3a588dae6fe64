"""`job: train` end to end over made notes with small directories of transformers: fine-tuned, applied, evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.cli.main import main
from schemas.errors import SecurityError, SpecError
from tests.support.planted_notes import evaluate_spec, planted_notes, predict_spec, train_spec
from tests.support.runs import rows, run
from tests.support.text_models import edit, save_model
from tests.support.train_figures import area, losses, remarks, tuning_figures

NOTES = 240
FIT = "fit: {epochs: 6, batch: 16, learning_rate: 0.005}"


def keys(start: Path, more: str = "") -> str:
    return f"network: {{name: huggingface}}\nstart: {start}\n{FIT}\n{more}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes; a base model in `base`, a training from it in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-text-models")
    planted_notes(NOTES).write_parquet(folder / "notes.parquet")
    save_model(folder / "base", "bert", "", initializer_range=0.1)
    run(train_spec(folder, folder / "out", keys(folder / "base")))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def test_predict_takes_the_model_and_tells_held_out_notes_apart(folder: Path) -> None:
    scored = rows(folder / "scored")
    assert scored.filter(pl.col("split") == "held_out").height == 48
    assert area(scored, "sick") > 0.95


def test_scores_of_predict_are_those_by_which_the_epoch_was_chosen(folder: Path) -> None:
    auroc, loss = tuning_figures(rows(folder / "scored"), "sick")
    best = losses(folder / "out").sort("auroc", "epoch", descending=[True, False]).row(0, named=True)
    assert (best["auroc"], best["tuning_loss"]) == pytest.approx((auroc, loss), abs=1e-5)


def test_the_card_says_that_the_head_began_with_fresh_weights_and_of_what(folder: Path) -> None:
    assert remarks(folder / "out")[0] == "the head began with fresh weights"
    card = (folder / "out" / "model" / "model_card.md").read_text()
    assert "The head began with fresh weights." in card
    assert "Begun from the model directory with sha256" in card
    names = {path.name for path in (folder / "out" / "model").iterdir()}
    assert {"model.safetensors", "tokenizer.json", "tokenizer_config.json", "wardround.json"} <= names
    assert str(folder) not in (folder / "out" / "model" / "config.json").read_text()


@pytest.mark.parametrize("command", ["inspect", "verify", "card"])
def test_the_command_line_knows_the_directory(folder: Path, command: str) -> None:
    assert main(["model", command, str(folder / "out" / "model")]) == 0


def test_an_evaluation_takes_the_labelled_records(folder: Path) -> None:
    run(evaluate_spec(folder, "sick", "task: binary"))
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter((pl.col("figure") == "auroc") & pl.col("point").eq(""))["value"].item() > 0.9


def test_shuffled_truths_are_not_told_apart(folder: Path, tmp_path: Path) -> None:
    planted_notes(NOTES, shuffled=True).write_parquet(tmp_path / "notes.parquet")
    run(train_spec(tmp_path, tmp_path / "out", keys(folder / "base", FIT.replace("epochs: 6", "epochs: 2"))))
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    assert 0.25 < area(rows(tmp_path / "scored"), "sick") < 0.75


@pytest.mark.parametrize("aggregation", ["mean", "max", "clinicalbert"])
def test_long_notes_are_learned_from_by_their_windows_as_predict_scores_them(
    folder: Path, tmp_path: Path, aggregation: str
) -> None:
    steps = (
        f"prepare: [whitespace, {{windows: {{window: 8, stride: 2, max_windows: 3, aggregation: {aggregation}}}}}]\n"
    )
    outputs = "outputs: {sick: {}, cough: {}}\nfit: {epochs: 1, batch: 16, learning_rate: 0.005}"
    run(train_spec(folder, tmp_path / "out", keys(folder / "base", outputs), steps))
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    scored = rows(tmp_path / "scored")
    assert scored["n_windows"].max() == 3
    cut = scored.filter((pl.col("split") == "train") & pl.col("truncated")).height
    assert f"of {cut} of 144 training texts windows.max_windows left some out" in remarks(tmp_path / "out")
    tuning = scored.filter(pl.col("split") == "tuning")
    known = [tuning[name].count() for name in ("sick", "cough")]
    losses_of = [tuning_figures(scored, name)[1] for name in ("sick", "cough")]
    assert losses(tmp_path / "out")["tuning_loss"][0] == pytest.approx(np.average(losses_of, weights=known), abs=1e-5)


def test_the_head_of_a_classifier_of_these_classes_is_learned_further(folder: Path, tmp_path: Path) -> None:
    labels = ["none", "mild", "severe"]
    save_model(tmp_path / "roberta", "roberta", "SequenceClassification", id2label=dict(enumerate(labels)))
    outputs = "outputs: {grade: {task: classes, classes: [none, mild, severe]}}\nfit: {epochs: 1, learning_rate: 0.001}"
    run(train_spec(folder, tmp_path / "out", keys(tmp_path / "roberta", outputs)))
    assert remarks(tmp_path / "out") == ["the head of `start` is learned further"]
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    tuning = rows(tmp_path / "scored").filter(pl.col("split") == "tuning")
    likelihood = [row[f"score_{row['grade']}"] for row in tuning.iter_rows(named=True)]
    assert losses(tmp_path / "out")["tuning_loss"][0] == pytest.approx(-np.log(likelihood).mean(), abs=1e-5)


def test_numbers_and_grades_are_learned_and_predict_gives_those_of_the_epoch(folder: Path, tmp_path: Path) -> None:
    short = "fit: {epochs: 1, batch: 16, learning_rate: 0.005}"
    outputs = "outputs: {words: {task: number, truth: sick}}"
    run(train_spec(folder, tmp_path / "number", keys(folder / "base", f"{outputs}\n{short}")))
    run(predict_spec(folder, tmp_path / "number" / "model", tmp_path / "numbers"))
    tuning = rows(tmp_path / "numbers").filter(pl.col("split") == "tuning")
    squares = ((tuning["score_words"].cast(pl.Float64) - tuning["sick"]) ** 2).mean()
    assert losses(tmp_path / "number")["tuning_loss"][0] == pytest.approx(squares, abs=1e-5)
    outputs = "outputs: {grade: {task: ordinal, classes: [none, mild, severe]}}"
    run(train_spec(folder, tmp_path / "ordinal", keys(folder / "base", f"{outputs}\n{short}")))
    run(predict_spec(folder, tmp_path / "ordinal" / "model", tmp_path / "grades"))
    tuning = rows(tmp_path / "grades").filter(pl.col("split") == "tuning")
    loss = 0.0
    for name, above in (("none", ["mild", "severe"]), ("mild", ["severe"])):
        score = tuning[f"score_grade_above_{name}"].cast(pl.Float64)
        loss -= float(np.log(np.where(tuning["grade"].is_in(above), score, 1 - score)).mean())
    assert losses(tmp_path / "ordinal")["tuning_loss"][0] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ("start: none", "", "begins from a Hugging Face directory: say `start`"),
        ("search: {network.name: [huggingface, word_rnn]}", "", "word_rnn is shown others"),
        ("fit: {epochs: 1}", "", r"fit\.learning_rate: say it"),
        ("vocabulary: {min_subjects: 1}", "", "vocabulary: that of `start` is taken"),
        ("network: {name: huggingface, settings: {hidden: 3}}", "", "hidden"),
        ("", "prepare: [{windows: {window: 1000}}]\n", "the model takes at most 128 tokens"),
        (
            "outputs: {grade: {task: classes, classes: [none, mild, severe]}}",
            "prepare: [{windows: {aggregation: max}}]\n",
            "would not add up to 1",
        ),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, given: str, more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys(folder / "base", given), more))


def test_weights_that_are_pickled_and_code_of_a_model_are_refused(folder: Path, tmp_path: Path) -> None:
    start = save_model(tmp_path / "start", "bert", "")
    (start / "model.safetensors").rename(start / "pytorch_model.bin")
    with pytest.raises(SecurityError, match="pickled weights only"):
        run(train_spec(folder, tmp_path / "out", keys(start)))
    (start / "pytorch_model.bin").rename(start / "model.safetensors")
    edit(start / "config.json", auto_map={"AutoModel": "code.Model"})
    with pytest.raises(SecurityError, match="auto_map"):
        run(train_spec(folder, tmp_path / "out", keys(start)))
