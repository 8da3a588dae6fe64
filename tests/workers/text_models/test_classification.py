"""Text classifiers give transformers' own scores, note by note, at any batch budget, and long notes by windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from schemas.errors import SecurityError, SpecError
from tests.support.text_models import KINDS, ODD, edit, notes, save_model, scored, scored_at
from workers.contract import Placement
from workers.ehr.notes.steps import split_steps
from workers.models.detect import describe
from workers.text_models import classification
from workers.text_models.token_windows import ScoreWindows

SHORT = [*ODD, *notes(30)]
LONG = [*notes(3), *notes(4, longest=400, seed=5)]
COLUMNS = ["score_label_0", "score_label_1", "score_label_2"]


def reference(directory, texts, activation="softmax", window=128, stride=0):
    """(windows, 3) scores of each text, one forward pass a window."""
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    found = []
    for text in texts:
        parts = tokenizer(text, truncation=True, max_length=window, stride=stride, return_overflowing_tokens=True)
        with torch.inference_mode():
            logits = torch.cat([model(torch.tensor([ids])).logits for ids in parts["input_ids"]])
        found.append((torch.softmax(logits, 1) if activation == "softmax" else torch.sigmoid(logits)).numpy())
    return found


def matrix(columns):
    assert all(columns[name].dtype == np.float32 for name in COLUMNS)
    return np.stack([columns[name] for name in COLUMNS], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_those_of_transformers_note_by_note(tmp_path, kind):
    directory = save_model(tmp_path, kind, "SequenceClassification")
    assert describe(directory, "notes")[0] == "text-classification"
    wanted = np.stack([part.mean(0) for part in reference(directory, [*SHORT, *LONG])])
    for columns in scored_at(classification, directory, [*SHORT, *LONG]):
        np.testing.assert_allclose(matrix(columns), wanted, rtol=0, atol=1e-5)
    assert wanted.std(axis=0).min() > 1e-3, "scores that never vary prove nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_packed_layout_is_used_and_the_padded_one_answers_alike(tmp_path, kind, monkeypatch):
    directory = save_model(tmp_path, kind, "SequenceClassification")
    card = classification.FORMAT.describe(directory)
    values = [note.value for note in classification.FORMAT.open_encoder(directory, card, 1).encode(SHORT)]
    packed = classification.FORMAT.load(directory, card, Placement("cpu", 1))
    assert packed.network.layout == "packed"
    monkeypatch.setattr("workers.text_models.network.MODEL_TYPES", frozenset())
    padded = classification.FORMAT.load(directory, card, Placement("cpu", 1))
    assert padded.network.layout == "padded"
    found = matrix(packed.score(values)), matrix(padded.score(values))
    np.testing.assert_allclose(*found, rtol=0, atol=1e-5)
    assert packed.network.ladder.spent == sum(len(window) for note in values for window in note.windows)


@pytest.mark.parametrize("aggregation", ["mean", "max", "clinicalbert"])
def test_long_notes_are_scored_by_windows_and_none_is_cut(tmp_path, aggregation):
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    steps = [{"windows": {"window": 40, "stride": 8, "aggregation": aggregation}}]
    columns = scored(classification, directory, LONG, steps)
    parts = reference(directory, LONG, window=40, stride=8)
    n = np.array([[len(part)] for part in parts])
    mean, highest = np.array([part.mean(0) for part in parts]), np.array([part.max(0) for part in parts])
    weighed = (highest + mean * n / 2) / (1 + n / 2)
    wanted = {"mean": mean, "max": highest, "clinicalbert": weighed}[aggregation]
    np.testing.assert_allclose(matrix(columns), wanted, rtol=0, atol=1e-5)
    assert columns["n_windows"].tolist() == n[:, 0].tolist()
    assert n.max() > 5
    assert not columns["truncated"].any()


def test_a_bound_on_windows_is_told_in_the_row(tmp_path):
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    columns = scored(classification, directory, LONG, [{"windows": {"window": 40, "max_windows": 1}}])
    wanted = [part[0] for part in reference(directory, LONG, window=40)]
    np.testing.assert_allclose(matrix(columns), wanted, rtol=0, atol=1e-5)
    assert columns["truncated"].tolist() == (columns["n_tokens"] > 38).tolist()
    assert columns["truncated"].any()


def test_several_labels_may_hold_at_once(tmp_path):
    directory = save_model(tmp_path, "distilbert", "SequenceClassification", problem_type="multi_label_classification")
    found = matrix(scored(classification, directory, notes(5)))
    wanted = np.concatenate(reference(directory, notes(5), "sigmoid"))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_the_author_s_windows_stand_in_the_card_and_the_spec_s_overrule_them(tmp_path):
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    windows = {"window": 32, "stride": 4, "aggregation": "max"}
    edit(directory / "wardround.json", format="text-classification", windows=windows)
    card = classification.FORMAT.describe(directory)
    assert card.prepare == ({"windows": {**windows, "max_windows": None, "c": 2.0}},)
    again = classification.FORMAT.with_steps(card, [ScoreWindows(stride=2)])
    assert again.settings["windows"] == {
        "window": 32, "stride": 2, "max_windows": None, "aggregation": "mean", "c": 2.0
    }  # fmt: skip
    with pytest.raises(SpecError, match="at most 128"):
        classification.FORMAT.with_steps(card, [ScoreWindows(window=129)])
    with pytest.raises(SpecError, match="did you mean 'stride'"):
        split_steps([{"windows": {"strid": 2}}], classification.FORMAT.steps)


def test_what_could_run_code_is_refused(tmp_path):
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    edit(directory / "config.json", auto_map={"AutoModel": "modeling.Evil"})
    with pytest.raises(SecurityError):
        classification.FORMAT.describe(directory)
    edit(directory / "config.json", auto_map=None)
    card = classification.FORMAT.describe(directory)
    edit(directory / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]})
    with pytest.raises(SecurityError):
        classification.FORMAT.describe(directory)
    with pytest.raises(SecurityError):
        classification.FORMAT.open_encoder(directory, card, 1)


def test_a_head_that_would_be_drawn_at_random_is_refused(tmp_path):
    directory = save_model(tmp_path, "bert", "")
    edit(directory / "config.json", architectures=["BertForSequenceClassification"])
    card = classification.FORMAT.describe(directory)
    with pytest.raises(SpecError, match="lack"):
        classification.FORMAT.load(directory, card, Placement("cpu", 1))


def test_roberta_with_padding_tokens_written_in_the_text_scores_as_in_transformers(tmp_path):
    directory = save_model(tmp_path, "roberta", "SequenceClassification")
    texts = ["fever <pad> and cough <pad><pad> today", *notes(3)]
    found = matrix(scored(classification, directory, texts))
    np.testing.assert_allclose(found, np.concatenate(reference(directory, texts)), rtol=0, atol=1e-5)
