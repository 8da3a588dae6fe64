"""Bases or amino acids to token numbers, as the model's own tokenizer of transformers makes them. No torch.

Four kinds: `kmer`, all overlapping k-mers, as DNABERT has them (BertTokenizer on k-mers with spaces between them);
`esm`, the longest token of the vocabulary that fits, again and again, as EsmTokenizer does (ESM has single amino acids,
the Nucleotide Transformer 6-mers); `spaced`, the model's own tokenizer on letters with spaces between them, as ProtBERT
is shown proteins; `json`, whatever `tokenizer.json` says of the letters as they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.genomics.sequences.windows import Bases, VariantWindow
from workers.text_models.tokenizer import GAVE_UP, PatternGaveUp, panics

Tokens = NDArray[np.int32]

_DIGIT = np.full(256, 4, np.int64)
_DIGIT[list(b"ACGT")] = range(4)


@dataclass(frozen=True)
class TokenWindows:
    """One record: token numbers of the reference (or the sequence) and of ALT, for one strand or both."""

    ref: tuple[Tokens, ...]
    alt: tuple[Tokens, ...] = ()


class Tokenizer(Protocol):
    """Token numbers of a sequence, special ones included."""

    def __call__(self, bases: Bases) -> Tokens:
        """(tokens,)"""


class KmerTokenizer:
    """Every run of k bases. A k-mer that the vocabulary lacks, as one with N, is the unknown token."""

    def __init__(self, vocabulary: Mapping[str, int], k: int, unknown: int, lead: Sequence[int], tail: Sequence[int]):
        """`lead` and `tail` are put around the sequence."""
        self._k = k
        self._lead = np.asarray(lead, np.int32)
        self._tail = np.asarray(tail, np.int32)
        self._unknown = unknown
        self._table = np.full(5**k, unknown, np.int32)
        for token, number in vocabulary.items():
            if len(token) == k and token.isascii():
                digits = _DIGIT[np.frombuffer(token.upper().encode(), np.uint8)]
                if digits.max() < 4 or set(token.upper()) <= set("ACGTN"):
                    self._table[int(digits @ 5 ** np.arange(k))] = number

    def __call__(self, bases: Bases) -> Tokens:
        """One token a position. A sequence shorter than k is one unknown token."""
        if len(bases) < self._k:
            return np.concatenate([self._lead, np.array([self._unknown], np.int32), self._tail])
        digits = np.lib.stride_tricks.sliding_window_view(_DIGIT[bases], self._k)
        return np.concatenate([self._lead, self._table[digits @ 5 ** np.arange(self._k)], self._tail])


class EsmTokens:
    """The longest token that begins here, then on behind it; a run of letters that begin none is one unknown token."""

    def __init__(self, vocabulary: Mapping[str, int], unknown: int, lead: Sequence[int], tail: Sequence[int]) -> None:
        """`lead` and `tail` are put around the sequence."""
        self._vocabulary = vocabulary
        self._sizes = sorted({len(token) for token in vocabulary if token}, reverse=True)
        self._unknown = unknown
        self._lead = list(lead)
        self._tail = list(tail)

    def __call__(self, bases: Bases) -> Tokens:
        """Cut the sequence greedily from its start."""
        text = bases.tobytes().decode("ascii")
        found = list(self._lead)
        place, in_unknown = 0, False
        while place < len(text):
            for size in self._sizes:
                number = self._vocabulary.get(text[place : place + size])
                if number is not None and place + size <= len(text):
                    found.append(number)
                    place, in_unknown = place + size, False
                    break
            else:
                if not in_unknown:
                    found.append(self._unknown)
                place, in_unknown = place + 1, True
        return np.asarray(found + self._tail, np.int32)


class JsonTokens:
    """A tokenizer of the library `tokenizers`. `between` is put between the letters."""

    def __init__(self, tokenizer: Any, between: str = "") -> None:
        self._tokenizer = tokenizer
        self._between = between

    def __call__(self, bases: Bases) -> Tokens:
        """The numbers that the library gives."""
        text = bases.tobytes().decode("ascii")
        return np.asarray(self._tokenizer.encode(self._between.join(text) if self._between else text).ids, np.int32)


class TokenEncoder:
    """Implements `workers.genomics.sequences.contract.SequenceEncoder`. Gives `TokenWindows`."""

    def __init__(self, tokenizer: Tokenizer, longest: int, both_strands: bool) -> None:
        """`longest`: how many tokens the model takes, special ones included."""
        self._tokenizer = tokenizer
        self._longest = longest
        self._both_strands = both_strands

    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        """One value a window, in order."""
        return [self._one(window) for window in windows]

    def _one(self, window: VariantWindow) -> Encoded:
        strands = (window, window.reverse()) if self._both_strands else (window,)
        try:
            with panics():
                ref = tuple(self._tokenizer(strand.ref_window()) for strand in strands)
                alt = () if window.alt is None else tuple(self._tokenizer(strand.alt_window()) for strand in strands)
        except PatternGaveUp:
            return GAVE_UP
        most = max(len(tokens) for tokens in (*ref, *alt))
        if most > self._longest:
            detail = f"a sequence has {most} tokens, the model takes at most {self._longest}"
            return Encoded(None, fault=Fault(Status.OUT_OF_CONTRACT, detail))
        return Encoded(TokenWindows(ref, alt), sum(tokens.nbytes + 200 for tokens in (*ref, *alt)))
