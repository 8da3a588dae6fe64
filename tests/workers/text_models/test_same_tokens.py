"""A directory whose tokenizer transformers reads otherwise is refused, showing both."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from tests.support.text_models import edit, save_model, tokenizer_of
from workers.contract import Placement
from workers.text_models import classification
from workers.text_models.same_tokens import check_tokens


def test_the_same_numbers_pass_and_others_are_shown(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("bert")
    tokenizer.save_pretrained(tmp_path)
    check_tokens(tmp_path, lambda text: tokenizer(text)["input_ids"], ["Fever.", "no cough"])
    with pytest.raises(SpecError, match=r"reads 'Fever.' as \[7, 8\], as BertTokenizer of transformers it is \[2, "):
        check_tokens(tmp_path, lambda _: [7, 8], ["Fever."])


def test_a_text_is_written_as_the_authors_write_it(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("bert")
    tokenizer.save_pretrained(tmp_path)
    check_tokens(tmp_path, lambda text: tokenizer(" ".join(text))["input_ids"], ["abc"], " ".join)


def test_what_transformers_cannot_read_is_passed_over(tmp_path: Path) -> None:
    check_tokens(tmp_path, lambda _: [1], ["text"])


def test_it_is_asked_as_the_model_is_loaded(tmp_path: Path) -> None:
    """For this class transformers makes a normaliser of its own, of which the file says nothing."""
    directory = save_model(tmp_path, "bert", "SequenceClassification")
    edit(directory / "tokenizer_config.json", tokenizer_class="MPNetTokenizer", pad_token="[PAD]", mask_token="[MASK]")
    edit(directory / "tokenizer.json", normalizer=None)
    edit(directory / "config.json", model_type="bert")
    card = classification.FORMAT.describe(directory)
    with pytest.raises(SpecError, match="MPNetTokenizer of transformers"):
        classification.FORMAT.load(directory, card, Placement("cpu", 1))
