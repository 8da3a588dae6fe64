from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from tests.support.variants import ESM_LETTERS, edit_card, kmer_words, save_esm, save_kmer_bert
from workers.genomics.sequences.formats import classification
from workers.genomics.sequences.formats.directory import SequenceCard


def settings(directory: Path) -> dict[str, object]:
    return dict(classification.FORMAT.describe(directory).settings)


def test_how_many_bases_a_model_takes_follows_from_its_tokens(tmp_path: Path) -> None:
    # 60 tokens, two of them special: 58 3-mers that overlap; 40 tokens and one special: 39 that do not.
    assert settings(save_kmer_bert(tmp_path / "bert"))["longest"] == 58 + 2
    assert settings(save_esm(tmp_path / "esm", kmer_words()))["longest"] == 39 * 3
    protein = settings(save_esm(tmp_path / "protein", ESM_LETTERS, eos=True))
    assert (protein["longest"], protein["alphabet"]) == (38, "protein")


def test_the_largest_k_of_which_every_kmer_is_there_is_taken_unless_the_card_says_another(tmp_path: Path) -> None:
    directory = save_kmer_bert(tmp_path / "bert")
    words = (directory / "vocab.txt").read_text().splitlines()
    assert settings(directory)["tokenizer"] == {"kind": "kmer", "k": 3, "unknown": 1, "lead": (2,), "tail": (3,)}
    (directory / "vocab.txt").write_text("\n".join([*words[:-1], "A", "C", "G", "T"]))
    edit_card(directory, format="sequence-classification", tokenizer={"kind": "kmer"})
    assert settings(directory)["tokenizer"]["k"] == 1
    edit_card(directory, format="sequence-classification", tokenizer={"kind": "kmer", "k": 3})
    assert settings(directory)["tokenizer"]["k"] == 3


def test_a_vocabulary_without_words_is_named(tmp_path: Path) -> None:
    directory = save_kmer_bert(tmp_path / "bert")
    (directory / "vocab.txt").unlink()
    edit_card(directory, format="sequence-classification", tokenizer={"kind": "kmer", "k": 3})
    with pytest.raises(SpecError, match=r"has neither vocab\.txt nor a tokenizer\.json"):
        settings(directory)


def test_a_token_that_the_model_does_not_know_is_refused_when_its_encoder_is_opened(tmp_path: Path) -> None:
    directory = save_kmer_bert(tmp_path / "bert")
    with (directory / "vocab.txt").open("a") as file:
        file.write("AAAA\n")
    card = classification.FORMAT.describe(directory)
    with pytest.raises(SpecError, match="has token number 69, the model knows 69 only"):
        classification.FORMAT.open_encoder(directory, card, 1)


def test_a_card_without_a_word_has_no_steps_of_its_own() -> None:
    card = SequenceCard.model_validate({"format": "sequence-classification"})
    assert (card.window.length, card.both_strands, card.alphabet) == (None, False, None)
