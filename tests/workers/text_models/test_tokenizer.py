"""Texts become the token numbers that transformers' own tokenizers give, and windows are cut as they cut."""

from __future__ import annotations

import json

import numpy as np
import pytest
from transformers import AutoTokenizer

from schemas.errors import SpecError
from tests.support.text_models import KINDS, ODD, edit, notes, save_model, tokenizer_of
from workers.text_models import classification
from workers.text_models.token_windows import Windows
from workers.text_models.tokenizer import TextTokenizer, open_tokenizer

TEXTS = [*ODD, *notes(20, longest=90)]


def encoded(directory, kind, offsets=True, **windows):
    how = Windows(**windows).resolved(64, 2)
    tokenizer = TextTokenizer(open_tokenizer(directory, kind, 10_000), how, offsets)
    return [note.value for note in tokenizer.encode(TEXTS)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_windows_are_those_of_transformers_with_overflow_and_stride(tmp_path, kind, side):
    tokenizer_of(kind).save_pretrained(tmp_path)
    edit(tmp_path / "tokenizer_config.json", truncation_side=side)
    reference = AutoTokenizer.from_pretrained(tmp_path, use_fast=True)
    options = {"truncation": True, "max_length": 20, "stride": 6, "return_overflowing_tokens": True}
    for text, note in zip(TEXTS, encoded(tmp_path, kind, window=20, stride=6), strict=True):
        wanted = reference(text, **options, return_offsets_mapping=True, return_special_tokens_mask=True)
        assert [window.tolist() for window in note.windows] == wanted["input_ids"]
        whole = reference(text, return_offsets_mapping=True)
        assert note.n_tokens == len(whole["input_ids"]) - 2
        assert note.offsets.tolist() == [list(pair) for pair in whole["offset_mapping"][1:-1]]
        for start, count, window in zip(note.starts, note.counts, note.windows, strict=True):
            assert window[1:-1].tolist() == whole["input_ids"][1 + start : 1 + start + count]
        assert not note.truncated
    assert max(len(note.windows) for note in encoded(tmp_path, kind, window=20, stride=6)) > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("configured", [True, False])
def test_a_directory_of_an_older_kind_is_read_by_its_vocabulary_as_transformers_reads_it(tmp_path, kind, configured):
    tokenizer_of(kind).save_pretrained(tmp_path)
    made = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    if not configured:
        (tmp_path / "tokenizer_config.json").unlink()
    if kind == "roberta":
        (tmp_path / "vocab.json").write_text(json.dumps(made["vocab"]))
        (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in made["merges"])]))
    else:
        (tmp_path / "vocab.txt").write_text("\n".join(sorted(made["vocab"], key=made["vocab"].get)))
    reference = AutoTokenizer.from_pretrained(tmp_path)
    for text, note in zip(TEXTS, encoded(tmp_path, kind, window=64, stride=6), strict=True):
        whole = reference(text, return_offsets_mapping=True)
        assert note.windows[0].tolist()[:-1] == whole["input_ids"][: len(note.windows[0]) - 1]
        assert note.n_tokens == len(whole["input_ids"]) - 2
        assert note.offsets.tolist() == [list(pair) for pair in whole["offset_mapping"][1:-1]]


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json"])
def test_a_damaged_vocabulary_is_refused(tmp_path, name):
    for other in (name, "merges.txt"):
        (tmp_path / other).write_bytes(b"\xff\xfe{")
    with pytest.raises(SpecError, match="cannot be read as a vocabulary"):
        open_tokenizer(tmp_path, "bert", None)


def test_a_bound_on_windows_cuts_as_transformers_truncates_and_says_so(tmp_path):
    tokenizer_of("bert").save_pretrained(tmp_path)
    reference = AutoTokenizer.from_pretrained(tmp_path)
    for text, note in zip(TEXTS, encoded(tmp_path, "bert", window=20, max_windows=1), strict=True):
        assert note.windows[0].tolist() == reference(text, truncation=True, max_length=20)["input_ids"]
        assert note.truncated == (note.n_tokens > 18)
        assert len(note.offsets) == min(note.n_tokens, 18)


@pytest.mark.parametrize(
    "settings", [{"do_lower_case": False}, {"strip_accents": True, "tokenize_chinese_chars": False}]
)
def test_the_tokenizer_config_overrules_the_normaliser_of_the_file_as_in_transformers(tmp_path, settings):
    tokenizer_of("bert").save_pretrained(tmp_path)
    edit(tmp_path / "tokenizer_config.json", **settings)
    reference = AutoTokenizer.from_pretrained(tmp_path)
    found = [note.windows[0].tolist() for note in encoded(tmp_path, "bert", window=60)]
    assert found == [reference(text, truncation=True, max_length=60)["input_ids"] for text in TEXTS]


def test_what_comes_out_does_not_depend_on_which_texts_come_together(tmp_path):
    tokenizer_of("roberta").save_pretrained(tmp_path)
    tokenizer = TextTokenizer(open_tokenizer(tmp_path, "roberta", 10_000), Windows(window=20, stride=4))
    together = tokenizer.encode(TEXTS)
    for text, note in zip(TEXTS, together, strict=True):
        (alone,) = tokenizer.encode([text])
        assert len(alone.value.windows) == len(note.value.windows)
        assert all(np.array_equal(a, b) for a, b in zip(alone.value.windows, note.value.windows, strict=True))


def test_a_tokenizer_with_more_words_than_the_model_is_refused(tmp_path):
    tokenizer_of("bert").save_pretrained(tmp_path)
    with pytest.raises(SpecError, match="the model knows 100 only"):
        open_tokenizer(tmp_path, "bert", 100)


@pytest.mark.parametrize("contents", [None, "{}", "not json"])
def test_a_tokenizer_that_is_none_is_refused(tmp_path, contents):
    save_model(tmp_path, "bert", "")
    (tmp_path / "tokenizer.json").unlink()
    if contents is not None:
        (tmp_path / "tokenizer.json").write_text(contents)
    with pytest.raises(SpecError, match="tokenizer"):
        open_tokenizer(tmp_path, "bert", 1000)


@pytest.mark.parametrize(
    ("windows", "message"),
    [({"window": 65}, "at most 64"), ({"window": 10, "stride": 8}, "less than the 8"), ({"stride": 62}, "less than")],
)
def test_windows_that_do_not_fit_the_model_are_refused(windows, message):
    with pytest.raises(SpecError, match=message):
        Windows(**windows).resolved(64, 2)


def test_a_model_that_does_not_say_its_number_of_words_takes_any_tokenizer(tmp_path):
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    config = json.loads((directory / "config.json").read_text())
    del config["vocab_size"]
    (directory / "config.json").write_text(json.dumps(config))
    card = classification.FORMAT.describe(directory)
    assert classification.FORMAT.open_encoder(directory, card, 1).encode(["a fever"])[0].value.n_tokens > 0
