"""Against the tokenizers of transformers themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import BertTokenizerFast

from schemas.errors import SpecError
from workers.text_models.vocabulary import from_vocabulary, has_vocabulary, token_of

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fever", "of", "head", "##ache", ",", "chest"]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    return tmp_path


@pytest.mark.parametrize("text", ["fever, headache of chest", "unknown fever", "", "fever[SEP]of"])
def test_a_vocabulary_of_bert_gives_the_tokens_that_transformers_gives(bert: Path, text: str) -> None:
    theirs = BertTokenizerFast.from_pretrained(str(bert), do_lower_case=False)
    assert from_vocabulary(bert, {}).encode(text).ids == theirs(text)["input_ids"]


def test_merges_join_bytes_in_their_order(tmp_path: Path) -> None:
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "ab"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    assert has_vocabulary(tmp_path)
    tokenizer = from_vocabulary(tmp_path, {})
    assert tokenizer.encode("abab", add_special_tokens=False).tokens == ["ab", "ab"]


def test_half_a_vocabulary_is_none(tmp_path: Path) -> None:
    assert not has_vocabulary(tmp_path)
    (tmp_path / "merges.txt").write_text("")
    assert not has_vocabulary(tmp_path)


def test_a_damaged_vocabulary_names_its_files(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text("{")
    (tmp_path / "merges.txt").write_text("")
    with pytest.raises(SpecError, match=r"vocab\.json and merges\.txt cannot be read as a vocabulary"):
        from_vocabulary(tmp_path, {})


def test_a_vocabulary_without_its_special_tokens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("fever\n")
    with pytest.raises(SpecError, match=r"vocab\.txt cannot be read as a vocabulary"):
        from_vocabulary(tmp_path, {})


def test_a_special_token_is_a_text_or_an_object_with_one() -> None:
    assert token_of({"unk_token": {"content": "<u>"}}, "unk_token", "[UNK]") == "<u>"
    assert token_of({"unk_token": "<v>"}, "unk_token", "[UNK]") == "<v>"
    assert token_of({"unk_token": None}, "unk_token", "[UNK]") == "[UNK]"
