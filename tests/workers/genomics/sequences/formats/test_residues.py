"""Proteins are read as transformers reads them, whatever their letters: ProtBERT's layout, ESM, and small letters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from schemas.errors import SpecError
from tests.support.sequence_oracle import esm_tokens
from tests.support.variants import (
    ESM_LETTERS,
    RESIDUES,
    edit_card,
    random_bases,
    save_esm,
    save_kmer_bert,
    save_prot_bert,
)
from workers.contract import Placement
from workers.genomics.sequences.formats import classification
from workers.genomics.sequences.regions import Region, View, window_of
from workers.genomics.sequences.steps import parse_steps, settled
from workers.genomics.sequences.windows import VariantWindow

SEQUENCES = [
    "MKTAYR",
    "MKTAYIAKQRQISF",
    "GASTMKR",
    "mktayr",
    "MKtaYR",
    "MXBZUOXJ",
    "M",
    *(random_bases(40, i, RESIDUES) for i in range(5)),
]


def bases(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def scored(directory: Path, sequences: list[str]) -> np.ndarray:
    card = settled(classification.FORMAT.describe(directory), parse_steps([]))
    view = View(parse_steps([]), card.settings["alphabet"], card.settings["longest"])
    windows = [window_of(Region(bases(text)), view, {}) for text in sequences]
    assert all(isinstance(window, VariantWindow) for window in windows)
    encoder = classification.FORMAT.open_encoder(directory, card, 1)
    values = [encoded.value for encoded in encoder.encode(windows)]
    return classification.FORMAT.load(directory, card, Placement("cpu", 1)).score(values)[0]


def wanted(directory: Path, sequences: list[str]) -> np.ndarray:
    """As the author of ProtBERT calls it, one sequence at a time."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    with torch.inference_mode():
        logits = [model(**tokenizer(" ".join(text), return_tensors="pt")).logits for text in sequences]
    return torch.softmax(torch.cat(logits), 1).numpy()


@pytest.mark.parametrize("card", [None, {"alphabet": "protein"}, {"tokenizer": {"kind": "spaced"}}], ids=str)
def test_a_word_a_residue_is_read_as_transformers_reads_letters_with_blanks(
    tmp_path: Path, card: dict[str, object] | None
) -> None:
    directory = save_prot_bert(tmp_path)
    if card is not None:
        edit_card(directory, format="sequence-classification", **card)
    settings = classification.FORMAT.describe(directory).settings
    assert (settings["alphabet"], settings["longest"], settings["tokenizer"]["kind"]) == ("protein", 62, "spaced")
    found = scored(directory, SEQUENCES)
    np.testing.assert_allclose(found, wanted(directory, SEQUENCES), rtol=0, atol=1e-5)
    assert found[:, 0].std() > 0.01, "scores that never vary prove nothing"
    assert (found[0] != found[3]).any(), "a small letter is another one"


def test_it_is_read_so_from_the_file_of_the_fast_tokenizer_too(tmp_path: Path) -> None:
    directory = save_prot_bert(tmp_path)
    AutoTokenizer.from_pretrained(directory).save_pretrained(directory)
    (directory / "vocab.txt").unlink()
    assert (directory / "tokenizer.json").is_file()
    np.testing.assert_allclose(scored(directory, SEQUENCES), wanted(directory, SEQUENCES), rtol=0, atol=1e-5)


def test_where_the_files_say_small_letters_transformers_is_followed(tmp_path: Path) -> None:
    directory = save_prot_bert(tmp_path, do_lower_case=True)
    found = scored(directory, ["MKTAYR", "GASTMK"])
    np.testing.assert_allclose(found, wanted(directory, ["MKTAYR", "GASTMK"]), rtol=0, atol=1e-5)
    assert (found[0] == found[1]).all(), "no letter of this vocabulary is a small one: all are unknown"


def test_esm_reads_small_letters_as_transformers_does(tmp_path: Path) -> None:
    directory = save_esm(tmp_path, ESM_LETTERS, eos=True)
    card = settled(classification.FORMAT.describe(directory), parse_steps([]))
    encoder = classification.FORMAT.open_encoder(directory, card, 1)
    oracle = esm_tokens(directory)
    for text in ("MKtaYR", "mktayr", "MKTaAYR", "aM", "Ma"):
        (encoded,) = encoder.encode([VariantWindow("", 0, bases(text), len(text), 0)])
        assert encoded.value.ref[0].tolist() == oracle(text)["input_ids"][0].tolist()


def test_soft_masks_of_dna_are_bases_and_letters_of_a_protein_are_left_alone() -> None:
    dna, protein = (View(parse_steps([]), alphabet, None) for alphabet in ("dna", "protein"))
    as_dna, as_protein = (window_of(Region(bases("acguT")), view, {}) for view in (dna, protein))
    assert isinstance(as_dna, VariantWindow)
    assert isinstance(as_protein, VariantWindow)
    assert (as_dna.bases.tobytes(), as_protein.bases.tobytes()) == (b"ACGTT", b"acguT")


def test_a_tokenizer_of_words_for_which_letters_need_no_blanks_is_used_as_it_is(tmp_path: Path) -> None:
    save_prot_bert(tmp_path)
    words = {"[PAD]": 0, "[UNK]": 1, **{letter: 5 + i for i, letter in enumerate(RESIDUES)}}
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    (tmp_path / "vocab.txt").unlink()
    transformers.PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=60).save_pretrained(tmp_path)
    settings = classification.FORMAT.describe(tmp_path).settings
    assert (settings["tokenizer"]["kind"], settings["alphabet"]) == ("json", "protein")


def test_a_directory_that_transformers_reads_otherwise_is_refused_as_it_is_loaded(tmp_path: Path) -> None:
    directory = save_kmer_bert(tmp_path)
    (directory / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    card = classification.FORMAT.describe(directory)
    with pytest.raises(
        SpecError, match=r"reads 'ACGTACGTTGCAAC' as .* as BertTokenizer of transformers it is \[2, 1, 1"
    ):
        classification.FORMAT.load(directory, card, Placement("cpu", 1))
