"""`job: train` end to end over made notes with a network over words: trained, applied, evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.cli.main import main
from schemas.errors import SpecError
from tests.support.planted_notes import WORDS, evaluate_spec, planted_notes, predict_spec, train_spec
from tests.support.runs import rows, run
from tests.support.train_figures import account, area, losses, remarks, tuning_figures
from tests.support.train_runs import assert_mean_of_members

NOTES = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes, one of which has no words; a training in `out`, its scores in `scored`."""
    folder = tmp_path_factory.mktemp("train-notes")
    table = planted_notes(NOTES)
    table = table.with_columns(text=pl.when(pl.col("note_id") == "n1").then(pl.lit("...")).otherwise("text"))
    table.write_parquet(folder / "notes.parquet")
    run(train_spec(folder, folder / "out"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def test_predict_takes_the_model_and_tells_held_out_notes_apart(folder: Path) -> None:
    scored = rows(folder / "scored")
    assert scored.filter(pl.col("split") == "held_out").height == 80
    assert area(scored, "sick") > 0.95


def test_scores_of_predict_are_those_by_which_the_epoch_was_chosen(folder: Path) -> None:
    auroc, loss = tuning_figures(rows(folder / "scored"), "sick")
    best = losses(folder / "out").sort("auroc", "epoch", descending=[True, False]).row(0, named=True)
    assert (best["auroc"], best["tuning_loss"]) == pytest.approx((auroc, loss), abs=1e-6)


def test_an_evaluation_takes_the_labelled_records(folder: Path) -> None:
    run(evaluate_spec(folder, "sick", "task: binary"))
    figures = pl.read_parquet(folder / "evaluated" / "metrics.parquet")
    assert figures.filter((pl.col("figure") == "auroc") & pl.col("point").eq(""))["value"].item() > 0.95


def test_a_note_without_words_is_counted_and_the_vocabulary_is_that_of_training_subjects(folder: Path) -> None:
    assert account(folder / "out") == {
        ("train", "used"): 239,
        ("train", "empty"): 1,
        ("tuning", "used"): 80,
        ("held_out", "used"): 80,
    }
    words = (folder / "out" / "model" / "vocabulary.txt").read_text().split("\n")[:-1]
    assert set(words) == WORDS


def test_shuffled_truths_are_not_told_apart(tmp_path: Path) -> None:
    planted_notes(NOTES, shuffled=True).write_parquet(tmp_path / "notes.parquet")
    run(train_spec(tmp_path, tmp_path / "out", "fit: {epochs: 4, batch: 16, learning_rate: 0.02}"))
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    assert 0.3 < area(rows(tmp_path / "scored"), "sick") < 0.7


def test_an_lstm_tells_classes_of_cleaned_and_shortened_notes_and_predict_cleans_and_shortens_them(
    folder: Path, tmp_path: Path
) -> None:
    keys = (
        "outputs: {grade: {task: classes, classes: [none, mild, severe]}}\n"
        "network: {name: word_rnn, settings: {embedding: 8, hidden: 8, cell: lstm, bidirectional: true, "
        "pooling: attention, dropout: 0.1}}\nvocabulary: {min_subjects: 20, max_words: 12}\n"
    )
    marked = planted_notes(NOTES).with_columns(text=pl.lit("<b>severe</b> ") + pl.col("text"))
    marked.write_parquet(tmp_path / "notes.parquet")
    steps = "prepare: [html, {words: {max_tokens: 12, keep: end}}]\n"
    run(train_spec(tmp_path, tmp_path / "out", keys, steps))
    (told,) = remarks(tmp_path / "out")
    assert told.endswith("of 240 training notes have more words than words.max_tokens keeps")
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    scored = rows(tmp_path / "scored")
    assert scored["truncated"].sum() > 100
    tuning = scored.filter(pl.col("split") == "tuning")
    likelihood = [row[f"score_{row['grade']}"] for row in tuning.iter_rows(named=True)]
    assert losses(tmp_path / "out")["tuning_loss"].min() == pytest.approx(-np.log(likelihood).mean(), abs=1e-6)


def test_of_several_outputs_a_truth_that_is_missing_counts_nothing(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "outputs: {sick: {}, cough: {}}"))
    run(predict_spec(folder, tmp_path / "out" / "model", tmp_path / "scored"))
    scored = rows(tmp_path / "scored")
    by_output = [tuning_figures(scored, name) for name in ("sick", "cough")]
    tuning = scored.filter(pl.col("split") == "tuning")
    known = [tuning[name].count() for name in ("sick", "cough")]
    assert known == [80, 54]
    best = losses(tmp_path / "out").sort("auroc", "epoch", descending=[True, False]).row(0, named=True)
    assert best["auroc"] == pytest.approx(np.mean([area for area, _ in by_output]), abs=1e-6)
    loss = sum(loss * count for (_, loss), count in zip(by_output, known, strict=True)) / sum(known)
    assert best["tuning_loss"] == pytest.approx(loss, abs=1e-6)


def test_a_training_begins_from_what_was_trained(folder: Path, tmp_path: Path) -> None:
    start = f"start: {folder / 'out' / 'model'}\nfit: {{epochs: 1, batch: 64, learning_rate: 0.001}}"
    run(train_spec(folder, tmp_path / "out", start))
    assert losses(tmp_path / "out")["tuning_loss"][0] < losses(folder / "out")["tuning_loss"][0]
    names = [where / "model" / "vocabulary.txt" for where in (folder / "out", tmp_path / "out")]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert "Begun from the model directory with sha256" in (tmp_path / "out" / "model" / "model_card.md").read_text()


def test_a_model_of_two_seeds_is_the_mean_of_its_members(folder: Path, tmp_path: Path) -> None:
    run(train_spec(folder, tmp_path / "out", "seeds: [0, 1]\nfit: {epochs: 1}"))
    model = tmp_path / "out" / "model"
    assert_mean_of_members(model, lambda one, to: run(predict_spec(folder, one, to)), "score_sick")


@pytest.mark.parametrize("command", ["inspect", "verify", "card"])
def test_the_command_line_knows_the_directory(folder: Path, command: str) -> None:
    assert main(["model", command, str(folder / "out" / "model")]) == 0


@pytest.mark.parametrize(
    ("keys", "more", "said"),
    [
        ("network: {name: word_rn}", "", "word_rn"),
        ("network: {name: word_rnn, settings: {words: 3}}", "", "words follows from the data"),
        ("network: {name: huggingface}\nstart: there/\nseeds: [0, 1]", "", "huggingface has one network"),
        ("vocabulary: {min_subjects: 1000}", "", "no word occurs in notes of 1000 training subjects"),
        ("start: elsewhere/\ntokens: {rule: two_up}", "", "tokens: that of `start` is taken"),
        ("", "prepare: [{windows: {window: 16}}]\n", "unknown step 'windows'"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, keys: str, more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(folder, tmp_path / "out", keys, more))
