"""What the formats of transformers' sequence models share when they read a model directory. Imports no torch."""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from workers.contract import ModelCard, Placement
from workers.genomics.sequences.contract import SequenceScorer
from workers.genomics.sequences.formats.tokens import EsmTokens, JsonTokens, KmerTokenizer, TokenEncoder, Tokenizer
from workers.genomics.sequences.steps import SequenceWindow
from workers.models.files import JSON_LIMIT, read_json
from workers.text_models.directory import CARD, Declared, longest_window, read_encoder_config
from workers.text_models.pooling import Pooling
from workers.text_models.tokenized import Gives
from workers.text_models.tokenizer import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    OpenTokenizer,
    open_tokenizer,
    tokenizer_config,
)

VOCABULARY = "vocab.txt"
_LONGEST_K = 8
_RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
_NO_TOKEN = "\u2603"
"""No vocabulary of sequences has it."""
_WORD_BEGINS = "\u2581"
"""How SentencePiece marks the beginning of a word."""

_MADE = {
    "dna": ("ACGTACGTTGCAAC", "GATTACAGATTACAGATTACA", "ACGTNNNNACGT", "TTTTTTTTTTTTAAAAAAAAAAAACCCCCCCCCCCC"),
    "protein": ("MKTAYR", "MKTAYIAKQRQISFVKSHFSRQ", "GASTMKRDEHNQCFILVWYP", "MXBZUOX", "mktayr", "MKtayIAK"),
}
"""Sequences that every tokenizer of its alphabet reads as transformers does."""

Kind = Literal["kmer", "esm", "spaced", "json"]


class TokenizerSettings(Frozen):
    """How bases become tokens (workers.genomics.sequences.formats.tokens). `k` is that of `kmer`; None: as the
    vocabulary has.
    """

    kind: Kind
    k: int | None = Field(default=None, ge=1, le=_LONGEST_K)


class SequenceCard(Declared):
    """`wardround.json` of a model on sequences.

    `window` and `both_strands` are settings of those prepare steps, `pooling` and `normalize` of an encoder.
    """

    alphabet: Literal["dna", "protein"] | None = None
    tokenizer: TokenizerSettings | None = None
    window: SequenceWindow = SequenceWindow()
    both_strands: bool = False
    pooling: tuple[Pooling, ...] = ()
    normalize: bool = False


def sequence_settings(directory: Path, config: Mapping[str, Any], card: SequenceCard) -> dict[str, Any]:
    """Settings of a model card that say how its tokens are made, and how much of a sequence it takes."""
    given = tokenizer_config(directory)
    kind, k, vocabulary = _kind(directory, config, card, given)
    tokens = longest_window(config, directory)
    special = _special(directory, vocabulary, given, kind)
    room = tokens - sum(len(special[end]) for end in ("lead", "tail"))
    longest = {"kmer": room + k - 1, "esm": room * k}.get(kind)
    if kind == "spaced":
        opened = _open(directory, config)
        longest = tokens - opened.lead - opened.tail
    return {
        "model_type": config.get("model_type", ""),
        "vocabulary": config.get("vocab_size"),
        "tokenizer": {"kind": kind, "k": k, **special},
        "tokens": tokens,
        "alphabet": card.alphabet or ("protein" if kind == "spaced" or _is_of_residues(kind, vocabulary) else "dna"),
        "longest": longest,
    }


class TokenSequenceFormat:
    """What the two formats do alike; `gives` is what is asked of the model."""

    name: ClassVar[str]
    gives: ClassVar[Gives]

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> TokenEncoder:
        """The tokenizer that the card describes."""
        settings = card.settings
        return TokenEncoder(_tokenizer(directory, settings), settings["tokens"], settings["both_strands"])

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> SequenceScorer:
        """The model in float32."""
        from workers.genomics.sequences.formats import scorers  # noqa: PLC0415 - imports torch, which the driver must not
        from workers.text_models.same_tokens import check_tokens  # noqa: PLC0415 - imports transformers

        read_encoder_config(directory)
        encode, said = _tokenizer(directory, card.settings), card.settings["tokenizer"]
        check_tokens(
            directory,
            lambda letters: encode(np.frombuffer(letters.encode(), np.uint8)).tolist(),
            _MADE[card.settings["alphabet"]],
            _as_written(said["kind"], said["k"]),
            # DNABERT's own class leaves capitals alone, which BertTokenizer does only where it is told to.
            **({"do_lower_case": False} if _leaves_case_open(directory, said["kind"]) else {}),
        )
        return scorers.load(directory, card, self.gives, placement)


def _leaves_case_open(directory: Path, kind: Kind) -> bool:
    return kind == "kmer" and "do_lower_case" not in tokenizer_config(directory)


def _as_written(kind: Kind, k: int) -> Callable[[str], str]:
    """How the authors of such models show letters to a tokenizer of transformers."""
    if kind == "kmer":
        return lambda letters: " ".join(letters[at : at + k] for at in range(len(letters) - k + 1))
    return " ".join if kind == "spaced" else str


def _tokenizer(directory: Path, settings: Mapping[str, Any]) -> Tokenizer:
    said = settings["tokenizer"]
    if said["kind"] in ("json", "spaced"):
        opened = open_tokenizer(directory, settings["model_type"], settings["vocabulary"])
        return JsonTokens(opened.tokenizer, " " if said["kind"] == "spaced" else "")
    vocabulary = _read_vocabulary(directory)
    largest = max(vocabulary.values())
    if settings["vocabulary"] is not None and largest >= settings["vocabulary"]:
        raise SpecError(f"{directory}: has token number {largest}, the model knows {settings['vocabulary']} only")
    if said["kind"] == "kmer":
        return KmerTokenizer(vocabulary, said["k"], said["unknown"], said["lead"], said["tail"])
    return EsmTokens(vocabulary, said["unknown"], said["lead"], said["tail"])


def _kind(
    directory: Path, config: Mapping[str, Any], card: SequenceCard, given: Mapping[str, Any]
) -> tuple[Kind, int, Mapping[str, int]]:
    """The kind of tokenizer, its k, and its vocabulary where that says more than `tokenizer.json`."""
    named = str(given.get("tokenizer_class", "")).removesuffix("Fast")
    kind = card.tokenizer.kind if card.tokenizer else None
    vocabulary = _read_vocabulary(directory) if kind != "json" else {}
    k = _whole_k(vocabulary)
    if kind is None and (named == "EsmTokenizer" or (config.get("model_type") == "esm" and vocabulary)):
        kind = "esm"
    could_be_residues = not vocabulary or vocabulary.keys() >= set(_RESIDUES)
    if kind is None and k <= 1 and card.alphabet != "dna" and could_be_residues:
        kind = "spaced" if _is_spaced(_open(directory, config)) else "json"
    kind = kind or ("kmer" if k else "json")
    if kind in ("json", "spaced"):
        _open(directory, config)
        return kind, 1, vocabulary
    if kind == "kmer" and card.alphabet == "protein":
        raise SpecError(
            f"{directory}: k-mers are of A, C, G and T, and {CARD} says that the alphabet is protein: name another "
            "tokenizer.kind there"
        )
    if not vocabulary:
        raise SpecError(f"{directory}: has neither {VOCABULARY} nor a {TOKENIZER} with a list of words")
    wanted = card.tokenizer.k if card.tokenizer else None
    if kind == "kmer" and not (wanted or k):
        raise SpecError(f"{directory}: the vocabulary has no full set of k-mers: name tokenizer.k in {CARD}")
    return kind, wanted or max(k, 1), vocabulary


def _open(directory: Path, config: Mapping[str, Any]) -> OpenTokenizer:
    return open_tokenizer(directory, str(config.get("model_type", "")), config.get("vocab_size"))


def _is_of_residues(kind: Kind, vocabulary: Mapping[str, int]) -> bool:
    return kind != "kmer" and vocabulary.keys() >= set(_RESIDUES)


def _is_spaced(opened: OpenTokenizer) -> bool:
    """Whether its vocabulary has each residue as a word, and knows none where letters stand together."""
    tokenizer = opened.tokenizer

    def numbers(text: str) -> set[int]:
        return set(tokenizer.encode(text, add_special_tokens=False).ids)

    words = tokenizer.get_vocab(with_added_tokens=False)
    has_words = any(all(begin + residue in words for residue in _RESIDUES) for begin in ("", _WORD_BEGINS))
    return has_words and bool(numbers(_NO_TOKEN) & numbers(_RESIDUES))


def _read_vocabulary(directory: Path) -> Mapping[str, int]:
    """`vocab.txt`, one token a line, or the words of `tokenizer.json`; nothing where it has none. Raises SpecError."""
    path = directory / VOCABULARY
    if path.is_file():
        if path.stat().st_size > JSON_LIMIT:
            raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no vocabulary is")
        lines = path.read_text("utf-8", "replace").splitlines()
        return {line.strip(): number for number, line in enumerate(lines)}
    path = directory / TOKENIZER
    model = read_json(path).get("model") if path.is_file() else None
    if not isinstance(model, dict) or model.get("type") not in ("WordPiece", "WordLevel"):
        return {}
    words = model.get("vocab")
    if not isinstance(words, dict) or not all(isinstance(number, int) for number in words.values()):
        raise SpecError(f"{path}: model.vocab must be numbers by token")
    return words


def _whole_k(vocabulary: Mapping[str, int]) -> int:
    """The largest k of which every k-mer over A, C, G and T is there; 0 for none."""
    for k in range(_LONGEST_K, 0, -1):
        if 4**k <= len(vocabulary) and all("".join(kmer) in vocabulary for kmer in product("ACGT", repeat=k)):
            return k
    return 0


def _special(directory: Path, vocabulary: Mapping[str, int], given: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """Numbers of the special tokens by their use. Raises SpecError where a name is not in the vocabulary."""
    if kind in ("json", "spaced"):
        return {"unknown": 0, "lead": (), "tail": ()}
    names = ("[UNK]", "[CLS]", "[SEP]") if kind == "kmer" else ("<unk>", "<cls>", "<eos>")
    keys = ("unk_token", "cls_token", "sep_token" if kind == "kmer" else "eos_token")
    numbers: list[int | None] = []
    for key, default in zip(keys, names, strict=True):
        value = given.get(key, default)
        name = value.get("content") if isinstance(value, Mapping) else value
        if name is not None and name not in vocabulary:
            raise SpecError(f"{directory / TOKENIZER_CONFIG}: {key} is {name!r}, which the vocabulary lacks")
        numbers.append(None if name is None else vocabulary[name])
    unknown, lead, tail = numbers
    if unknown is None:
        raise SpecError(f"{directory / TOKENIZER_CONFIG}: names no unk_token")
    return {
        "unknown": unknown,
        "lead": () if lead is None else (lead,),
        "tail": () if tail is None else (tail,),
    }
