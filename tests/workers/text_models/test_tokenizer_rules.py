"""A tokenizer's rules make no text explode, take no text for ever and draw no lots, or its directory is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SpecError
from tests.support.text_models import tokenizer_of
from workers.text_models import tokenizer_rules
from workers.text_models.tokenizer import open_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer_of("bert").save_pretrained(tmp_path)
    # Of BERT's own class transformers replaces the rules.
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return tmp_path


def change(folder: Path, **keys: Any) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def test_rules_that_each_make_a_text_a_little_longer_are_counted_together(folder: Path) -> None:
    rules = [replace({"String": letter}, following * 20) for letter, following in ("ab", "bc", "cd", "de", "ef")]
    change(folder, normalizer={"type": "Sequence", "normalizers": rules})
    with pytest.raises(SpecError, match="Replace rules make a text 400 times as long"):
        open_tokenizer(folder, "x", None)


@pytest.mark.parametrize("content", ["\u2581", '"', " "])
def test_rules_of_published_tokenizers_are_no_growth(folder: Path, content: str) -> None:
    change(folder, normalizer=replace({"String": "``"}, content))
    assert open_tokenizer(folder, "x", None).lead == 1


def test_words_without_end_and_lots_are_refused(folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    change(folder, model={**model, "max_input_chars_per_word": 2_000_000_000})
    with pytest.raises(SpecError, match="max_input_chars_per_word is 2000000000, at most 10000"):
        open_tokenizer(folder, "x", None)
    change(folder, model={**model, "dropout": 0.1})
    with pytest.raises(SpecError, match=r"model\.dropout makes other tokens of a text each time"):
        open_tokenizer(folder, "x", None)


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize("pattern", ["(q+)+$", "(?:[a-z]|ab)+Z"])
def test_a_pattern_that_does_not_end_is_a_wrong_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(tokenizer_rules, "_CPU_S", 1)
    change(folder, pre_tokenizer={"type": "Sequence", "pretokenizers": [split(pattern)]})
    with pytest.raises(SpecError, match=r"do not get to the end of a made text .* replace the rules with type Split"):
        open_tokenizer(folder, "x", None)


def test_a_pattern_that_is_not_known_and_ends_is_used(folder: Path) -> None:
    change(folder, pre_tokenizer=split(r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+"))
    assert open_tokenizer(folder, "x", None).tail == 1
