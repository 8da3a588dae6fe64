"""Tokens of DNA and proteins are those of the tokenizers of transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import transformers

from schemas.errors import SecurityError, SpecError
from tests.support.sequence_oracle import bert_tokens, esm_tokens
from tests.support.variants import (
    ESM_LETTERS,
    K,
    edit_card,
    kmer_words,
    random_bases,
    save_cnn,
    save_esm,
    save_kmer_bert,
)
from workers.contract import Placement
from workers.genomics.sequences.formats import classification, cnn, embedding
from workers.genomics.sequences.formats.tokens import EsmTokens, KmerTokenizer
from workers.genomics.sequences.steps import parse_steps, settled
from workers.genomics.sequences.windows import VariantWindow
from workers.models.detect import describe


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    save_kmer_bert(folder / "bert")
    save_esm(folder / "kmers", kmer_words())
    save_esm(folder / "protein", ESM_LETTERS, eos=True)
    save_cnn(folder / "cnn")
    return folder


def tokens_of(directory: Path, sequences: list[str]) -> list[list[int]]:
    card = classification.FORMAT.describe(directory)
    encoder = classification.FORMAT.open_encoder(directory, settled(card, parse_steps([])), 1)
    windows = [VariantWindow("", 0, np.frombuffer(s.encode(), np.uint8), len(s), 0) for s in sequences]
    return [encoded.value.ref[0].tolist() for encoded in encoder.encode(windows)]


@pytest.mark.parametrize("kind", ["bert", "kmers", "protein"])
def test_tokens_are_those_of_transformers_for_any_letters(folder: Path, kind: str) -> None:
    oracle = (bert_tokens if kind == "bert" else esm_tokens)(folder / kind)
    chance = np.random.default_rng(0)
    letters = {"bert": "ACGTN", "kmers": "ACGTACGTACGTNR", "protein": "ACDEFGHIKLMNPQRSTVWYXJ*"}[kind]
    sequences = [random_bases(int(n), i, letters) for i, n in enumerate(chance.integers(K, 30, 200))]
    wanted = [oracle(sequence)["input_ids"][0].tolist() for sequence in sequences]
    assert tokens_of(folder / kind, sequences) == wanted


def test_a_tokenizer_json_is_used_as_it_is(tmp_path: Path) -> None:
    raw = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=60, special_tokens=["<pad>", "<unk>"])
    raw.train_from_iterator([random_bases(200, i) for i in range(20)], trainer)
    save_kmer_bert(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    transformers.PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=60).save_pretrained(tmp_path)
    card = classification.FORMAT.describe(tmp_path)
    assert card.settings["tokenizer"]["kind"] == "json"
    assert card.settings["longest"] is None
    sequence = random_bases(50, 77)
    assert tokens_of(tmp_path, [sequence]) == [raw.encode(sequence).ids]


def test_the_card_says_what_the_model_takes(folder: Path) -> None:
    said = {name: describe(folder / name, "sequences") for name in ("bert", "kmers", "protein", "cnn")}
    assert {name: card.settings["longest"] for name, (_, card) in said.items()} == {
        "bert": 60, "kmers": 39 * 3, "protein": 38, "cnn": 89,
    }  # fmt: skip
    assert {name: card.settings["alphabet"] for name, (_, card) in said.items()} == {
        "bert": "dna", "kmers": "dna", "protein": "protein", "cnn": "dna",
    }  # fmt: skip
    assert [kind for kind, _ in said.values()] == ["sequence-classification"] * 3 + ["sequence-cnn"]


def test_a_bert_tokenizer_that_transformers_saved_is_read_from_its_json(folder: Path, tmp_path: Path) -> None:
    save_kmer_bert(tmp_path)
    words = (tmp_path / "vocab.txt").read_text().splitlines()
    (tmp_path / "vocab.txt").unlink()
    transformers.BertTokenizer(vocab={w: i for i, w in enumerate(words)}, do_lower_case=False).save_pretrained(tmp_path)
    sequences = [random_bases(40, i) for i in range(5)]
    assert tokens_of(tmp_path, sequences) == tokens_of(folder / "bert", sequences)


def changed(source: Path, target: Path, **keys: Any) -> Path:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, **keys}))
    return target


@pytest.mark.parametrize(
    ("kind", "keys", "error", "told"),
    [
        ("bert", {"auto_map": {"AutoModel": "x.Y"}}, SecurityError, "code of the model's own"),
        ("bert", {"is_encoder_decoder": True}, SpecError, "encoder-decoder"),
        ("cnn", {"network": "dilated_resnets"}, SpecError, "did you mean 'dilated_resnet'"),
        ("cnn", {"windw": 3}, SpecError, "did you mean 'window'"),
        ("cnn", {"head": {"activation": "none", "labels": ["a"]}}, SpecError, "num_outputs differs"),
    ],
)
def test_what_is_wrong_in_a_directory_is_told(
    folder: Path, tmp_path: Path, kind: str, keys: dict[str, Any], error: type[Exception], told: str
) -> None:
    module = cnn if kind == "cnn" else classification
    with pytest.raises(error, match=told):
        module.FORMAT.describe(changed(folder / kind, tmp_path / "changed", **keys))


def test_a_window_that_the_network_does_not_take_is_refused_when_it_is_loaded(folder: Path, tmp_path: Path) -> None:
    directory = changed(folder / "cnn", tmp_path / "changed", window=91)
    with pytest.raises(SpecError, match="says a window of 91 bases, its network takes 89"):
        cnn.FORMAT.load(directory, cnn.FORMAT.describe(directory), Placement("cpu", 1))


def test_what_wardround_json_says_is_kept_to(folder: Path, tmp_path: Path) -> None:
    directory = changed(folder / "bert", tmp_path / "changed")
    edit_card(directory, format="sequence-classification", window={"length": 30}, both_strands=True)
    card = classification.FORMAT.describe(directory)
    assert card.prepare == (
        {"window": {"length": 30, "edges": "pad", "ambiguous": "n"}}, {"both_strands": {}},
    )  # fmt: skip
    edit_card(directory, format="sequence-classification", alphabet="protein")
    with pytest.raises(SpecError, match="k-mers are of A, C, G and T"):
        classification.FORMAT.describe(directory)
    edit_card(directory, format="sequence-embedding")
    with pytest.raises(SpecError, match="'pooling' is missing"):
        embedding.FORMAT.describe(directory)
    edit_card(directory, format="sequence-classification", tokenizer={"kind": "kmer", "k": 9})
    with pytest.raises(SpecError, match=r"tokenizer\.k"):
        classification.FORMAT.describe(directory)
    (directory / "vocab.txt").write_text("[PAD]\n[CLS]\nA\nC\nG\nT\n")
    edit_card(directory, format="sequence-classification")
    with pytest.raises(SpecError, match="unk_token is '\\[UNK\\]', which the vocabulary lacks"):
        classification.FORMAT.describe(directory)


def test_batches_make_no_difference_and_equal_windows_are_computed_once(folder: Path) -> None:
    card = classification.FORMAT.describe(folder / "bert")
    bases = np.frombuffer(random_bases(60, 3).encode(), np.uint8)
    alts = [np.frombuffer(alt, np.uint8) for alt in (b"A", b"C", b"G", b"T", b"A")]
    windows = [VariantWindow("1", 0, bases, 60, 30, 1, alt) for alt in alts]
    card = settled(card, parse_steps(["both_strands"]))
    encoder = classification.FORMAT.open_encoder(folder / "bert", card, 1)
    values = [encoded.value for encoded in encoder.encode(windows)]
    found = []
    for tokens in (60, 150, 10_000):
        scorer = classification.FORMAT.load(folder / "bert", card, Placement("cpu", 1))
        scorer.network.ladder.budget = tokens
        ref, alt = scorer.score(values)
        assert alt is not None
        # Four bases at one place, one of them the reference's own: four windows a strand, of 60 tokens each.
        assert scorer.network.ladder.spent == 2 * 4 * 60
        assert (ref == ref[0]).all()
        assert (alt[0] == alt[4]).all()
        found.append(alt)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)


def letters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def test_kmers_overlap_and_one_that_is_not_known_is_the_unknown_token() -> None:
    kmers = KmerTokenizer({"AC": 5, "CG": 6, "[UNK]": 1}, 2, 1, lead=[2], tail=[3])
    assert kmers(letters("ACGA")).tolist() == [2, 5, 6, 1, 3]
    assert kmers(letters("ANAC")).tolist() == [2, 1, 1, 5, 3]
    assert kmers(letters("A")).tolist() == [2, 1, 3]


def test_the_longest_token_that_fits_is_taken_and_a_run_of_unknown_letters_is_one_token() -> None:
    tokens = EsmTokens({"A": 4, "C": 5, "ACG": 6, "G": 7}, 1, lead=[0], tail=[])
    assert tokens(letters("ACGAC")).tolist() == [0, 6, 4, 5]
    assert tokens(letters("AXXYG")).tolist() == [0, 4, 1, 7]
    assert tokens(letters("")).tolist() == [0]
