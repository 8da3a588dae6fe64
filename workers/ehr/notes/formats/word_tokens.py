"""Notes as numbers of words: a closed set of rules that cut words, a vocabulary, a bound on the length. No torch.

Rules (Python regular expressions, Unicode):
    words      \\w+              letters, digits and underscores
    wordpunct  \\w+|[^\\w\\s]+     the same, and runs of other signs, as NLTK's WordPunctTokenizer
    two_up     \\b\\w\\w+\\b        words of two characters or more, as scikit-learn's vectorisers
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.text_models.tokenized import Tokens

STEP = "words"
RULES: Mapping[str, re.Pattern[str]] = {
    "words": re.compile(r"\w+"),
    "wordpunct": re.compile(r"\w+|[^\w\s]+"),
    "two_up": re.compile(r"\b\w\w+\b"),
}
PADDING, UNKNOWN, FIRST = 0, 1, 2
"""Numbers of padding, of words outside of the vocabulary, and of the vocabulary's first word."""

VOCABULARY_BYTES = 256 << 20


class TokenRule(Frozen):
    """How a model's author cut words. `lower`: `str.lower` of the whole note before."""

    rule: Literal["words", "wordpunct", "two_up"] = Field(
        default="words",
        description="words: letters, digits and underscores; wordpunct: runs of other signs too; two_up: words of two "
        "characters and more",
    )
    lower: bool = Field(default=True, description="whether the note is put in lower case before")


class Words(Frozen):
    """How a note becomes words. With more than `max_tokens` of them, those at its start or its end are kept."""

    max_tokens: int = Field(default=2000, ge=1, le=1_000_000, description="words of a note that are kept")
    keep: Literal["start", "end"] = Field(
        default="start", description="whether those at its start or at its end are kept"
    )


@dataclass(frozen=True)
class WordNote:
    """One note with at least one word: numbers of the words kept, how many it had, and how many of those kept are
    unknown."""

    words: Tokens
    n_tokens: int
    unknown: int


@dataclass(frozen=True)
class KeptWords:
    """The words of one note that are kept, at least one, and how many it had."""

    words: Sequence[str]
    n_tokens: int


class WordCutter:
    """Cuts notes into words, whatever vocabulary they are looked up in. Implements
    `workers.text_models.contract.TextEncoder`."""

    def __init__(self, rule: TokenRule, words: Words) -> None:
        self._find = RULES[rule.rule].findall
        self._lower = rule.lower
        self._words = words

    def encode(self, texts: Sequence[str]) -> Sequence[Encoded]:
        """Each text as `KeptWords`; one without words is `empty`."""
        return [self._encode(text) for text in texts]

    def close(self) -> None:
        """Nothing runs."""

    def _encode(self, text: str) -> Encoded:
        words = self._find(text.lower() if self._lower else text)
        if not words:
            return Encoded(None, fault=Fault(Status.EMPTY, "the note has no word by the model's rule"))
        most = self._words.max_tokens
        kept = words[:most] if self._words.keep == "start" else words[-most:]
        return Encoded(KeptWords(kept, len(words)), 60 * len(kept) + 200)


class WordEncoder:
    """Implements `workers.text_models.contract.TextEncoder`."""

    def __init__(self, vocabulary: Mapping[str, int], rule: TokenRule, words: Words) -> None:
        self._numbers = vocabulary
        self._cutter = WordCutter(rule, words)

    def encode(self, texts: Sequence[str]) -> Sequence[Encoded]:
        """Each text as a `WordNote`; one without words is `empty`."""
        return [self._encode(cut) for cut in self._cutter.encode(texts)]

    def close(self) -> None:
        """Nothing runs."""

    def _encode(self, cut: Encoded) -> Encoded:
        if cut.fault is not None:
            return cut
        note: KeptWords = cut.value
        numbers = np.fromiter((self._numbers.get(word, UNKNOWN) for word in note.words), np.int32, len(note.words))
        return Encoded(WordNote(numbers, note.n_tokens, int((numbers == UNKNOWN).sum())), numbers.nbytes + 200)


def read_vocabulary(path: Path, rows: int) -> dict[str, int]:
    """Word to number, of a UTF-8 file with a word a line: the first is number 2. `rows` is how many numbers there are.

    Raises SpecError for a file that cannot be that.
    """
    try:
        if path.stat().st_size > VOCABULARY_BYTES:
            raise SpecError(f"{path}: larger than {VOCABULARY_BYTES} bytes, which no vocabulary is")
        words = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: cannot be read as a UTF-8 list of words ({error})") from error
    if words and not words[-1]:
        words.pop()
    if len(words) + FIRST != rows:
        raise SpecError(f"{path}: has {len(words)} words, settings.words must be that and {FIRST} more, is {rows}")
    numbers = {word: number for number, word in enumerate(words, start=FIRST)}
    if len(numbers) != len(words) or "" in numbers:
        raise SpecError(f"{path}: a word stands there twice, or a line is empty")
    return numbers


def word_columns(notes: Sequence[WordNote]) -> Mapping[str, Any]:
    """The columns beside the scores."""
    return {
        "n_tokens": np.array([note.n_tokens for note in notes], np.int32),
        "oov_rate": np.array([note.unknown / len(note.words) for note in notes], np.float32),
        "truncated": np.array([note.n_tokens > len(note.words) for note in notes], np.bool_),
    }


COUNTS = (
    OutputField(name="n_tokens", type="int32", meaning="words of the note", over_frames="sum"),
    OutputField(name="oov_rate", type="float32", meaning="share of the words seen that the model does not know"),
    OutputField(
        name="truncated", type="bool", meaning="whether the note has more than max_tokens words", over_frames="max"
    ),
)
