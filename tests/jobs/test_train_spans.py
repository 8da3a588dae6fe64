"""`job: train` end to end over made notes with labelled spans: fine-tuned, applied, evaluated."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import transformers

from jobs.cli.main import main
from schemas.errors import SpecError
from tests.support.planted_notes import SPLITS, evaluate_spec, predict_spec, train_spec
from tests.support.runs import run
from tests.support.text_models import save_model
from tests.support.train_figures import account, losses, remarks

NOTES = 200
OF = {"ceftriaxone": "DRUG", "azithromycin": "DRUG", "pneumonia": "PROBLEM", "hypoxia": "PROBLEM"}
WORDS = ("the", "patient", "was", "admitted", "with", "no", "evidence", "of", "effusion", "home", *OF)


def labelled_notes(folder: Path, shuffled: bool = False) -> None:
    """Notes in `folder`, and a table of their drugs and problems; `shuffled`: of as many words anywhere."""
    chance = np.random.default_rng(4)
    table, spans = [], []
    for number in range(NOTES):
        text = ""
        for word in chance.choice(WORDS, int(chance.integers(3, 30))).tolist():
            label = OF.get(str(chance.choice(WORDS)) if shuffled else word)
            if label is not None:
                spans.append((f"n{number}", len(text), len(text) + len(word), label))
            text += f"{word} "
        table.append((f"n{number}", f"p{number}", text + ".", SPLITS[number % len(SPLITS)], 0, 0, ""))
    pl.DataFrame(
        table, ["note_id", "subject_id", "text", "split", "sick", "cough", "grade"], orient="row"
    ).write_parquet(folder / "notes.parquet")
    pl.DataFrame(spans, ["record_id", "start", "end", "label"], orient="row").write_csv(folder / "spans.csv")


def spans_spec(folder: Path, output: Path, keys: str = "", more: str = "") -> str:
    given = (
        f"network: {{name: huggingface}}\nstart: {folder / 'base'}\n"
        "fit: {epochs: 4, batch: 16, learning_rate: 0.005}\n"
        f"spans: {{uri: {folder / 'spans.csv'}}}\n"
        "outputs: {found: {task: spans, classes: [DRUG, PROBLEM]}}\n"
    )
    return train_spec(folder, output, given + keys, more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes with spans; a base model in `base`, a training from it in `out`, its entities in `scored`."""
    folder = tmp_path_factory.mktemp("train-spans")
    labelled_notes(folder)
    save_model(folder / "base", "bert", "", initializer_range=0.1)
    run(spans_spec(folder, folder / "out", more="prepare: [{windows: {window: 16, stride: 4}}]\n"))
    run(predict_spec(folder, folder / "out" / "model", folder / "scored"))
    return folder


def figures(folder: Path) -> dict[str, float]:
    run(evaluate_spec(folder, "found", "task: entities"))
    table = pl.read_parquet(folder / "evaluated" / "metrics.parquet").filter(pl.col("point") == "")
    return dict(table.select("figure", "value").iter_rows())


def test_an_evaluation_finds_the_spans_of_held_out_notes_found(folder: Path) -> None:
    found = figures(folder)
    assert found["rows"] == 40
    assert found["true_entities"] > 100
    assert found["entity_f1"] > 0.95


def test_spans_that_are_anywhere_are_not_found(folder: Path, tmp_path: Path) -> None:
    labelled_notes(tmp_path, shuffled=True)
    (tmp_path / "base").symlink_to(folder / "base")
    run(spans_spec(tmp_path, tmp_path / "out"))
    run(predict_spec(tmp_path, tmp_path / "out" / "model", tmp_path / "scored"))
    assert figures(tmp_path)["entity_f1"] < 0.3


def test_the_loss_of_tuning_tokens_is_that_of_transformers(folder: Path, tmp_path: Path) -> None:
    run(spans_spec(folder, tmp_path / "out", "fit: {epochs: 1, batch: 32, learning_rate: 0.005}"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out" / "model")
    model = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "out" / "model").eval()
    spans = pl.read_csv(folder / "spans.csv")
    found: list[float] = []
    for record, _, text, split, *_ in pl.read_parquet(folder / "notes.parquet").iter_rows():
        if split != "tuning":
            continue
        made = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        with torch.no_grad():
            logs = torch.log_softmax(model(input_ids=made["input_ids"]).logits[0], 1)
        own = spans.filter(pl.col("record_id") == record).iter_rows()
        tags = {at: f"{'I' if at > start else 'B'}-{label}" for _, start, end, label in own for at in range(start, end)}
        for place, (start, _) in list(enumerate(made["offset_mapping"][0].tolist()))[1:-1]:
            found.append(float(logs[place, model.config.label2id[tags.get(start, "O")]]))
    assert losses(tmp_path / "out")["tuning_loss"][0] == pytest.approx(-np.mean(found), abs=1e-5)


@pytest.mark.parametrize("command", ["inspect", "verify", "card"])
def test_the_command_line_knows_the_directory(folder: Path, command: str) -> None:
    assert main(["model", command, str(folder / "out" / "model")]) == 0
    assert "Labels: spans in a table of their own." in (folder / "out" / "model" / "model_card.md").read_text()


def test_spans_that_do_not_fit_are_counted_by_what_they_are(folder: Path, tmp_path: Path) -> None:
    notes = pl.read_parquet(folder / "notes.parquet")
    notes.write_parquet(tmp_path / "notes.parquet")
    (tmp_path / "base").symlink_to(folder / "base")
    blank = notes["text"][0].index(" ")
    odd = [
        ("n0", blank, blank + 1, "DRUG"),
        ("n1", 1, 2, "PROBLEM"),
        ("n2", 0, 1000, "DRUG"),
        ("elsewhere", 0, 3, "DRUG"),
    ]
    table = pl.DataFrame(odd, ["record_id", "start", "end", "label"], orient="row")
    table.write_parquet(tmp_path / "spans.csv")
    run(spans_spec(tmp_path, tmp_path / "out", "fit: {epochs: 1, batch: 64, learning_rate: 0.001}"))
    assert account(tmp_path / "out")["train", "out_of_contract"] == 1
    assert account(tmp_path / "out")["train", "used"] == 119
    assert remarks(tmp_path / "out") == [
        "the head began with fresh weights",
        f"the table of spans has sha256 {hashlib.sha256((tmp_path / 'spans.csv').read_bytes()).hexdigest()}",
        "spans of 1 record that are not in the input",
        "2 spans in 119 training records",
        "1 of them have no token, of blanks or outside of the windows, and are not learned",
        "1 of them begin or end within a token, and are learned as whole tokens",
    ]


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([("n0", 0, 3, "DRUG"), ("n0", 2, 5, "DRUG")], r"overlap another one of their record.*\(1 row, first: row 2\)"),
        ([("n0", 3, 3, "DRUG")], r"end before they start.*row 1"),
        ([("n0", 0, 3, "DOSE")], r"none of `classes` \(DRUG, PROBLEM\)"),
        ([("n0", None, 3, "DRUG")], "without a record, a start"),
        ([("elsewhere", 0, 3, "DRUG")], "not one span is in a training record"),
    ],
)
def test_a_table_that_cannot_be_learned_is_an_error_that_says_so(
    folder: Path, tmp_path: Path, spans: list[tuple[str, int | None, int, str]], said: str
) -> None:
    table = pl.DataFrame(spans, ["record_id", "start", "end", "label"], orient="row")
    table.write_parquet(tmp_path / "spans.parquet")
    with pytest.raises(SpecError, match=said):
        run(spans_spec(folder, tmp_path / "out", f"spans: {{uri: {tmp_path / 'spans.parquet'}}}"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("outputs: {sick: {}}", "a table of them and an output of task spans go together"),
        ("network: {name: word_rnn}\nstart: none", "spans are learned by network: huggingface alone"),
        ("fit: {balance: weights, learning_rate: 0.01}", r"fit\.balance: is of whole records"),
        ("outputs: {found: {task: spans}}", "need `classes`"),
    ],
)
def test_a_spec_that_does_not_fit_is_an_error_that_says_so(folder: Path, tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run(spans_spec(folder, tmp_path / "out", keys))
