"""Texts to token numbers as transformers' own tokenizer makes them, without importing it or torch.

`tokenizer.json` is read by the library `tokenizers`; without one, the files of `workers.text_models.vocabulary`. Two
families are then set up from `tokenizer_config.json`, since transformers does the same: of BERT and its kin the
normaliser (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`), of RoBERTa and its kin spaces and special
tokens (`add_prefix_space`, `trim_offsets`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors

from schemas.errors import SpecError
from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.models.files import JSON_LIMIT, read_json
from workers.models.huggingface import refuse_code
from workers.text_models.token_windows import Windows, window_starts
from workers.text_models.tokenized import TokenizedText, Tokens
from workers.text_models.tokenizer_rules import check_rules
from workers.text_models.vocabulary import BPE, WORDPIECE, from_vocabulary, has_vocabulary, token_of

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"

_BERT = frozenset({"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"})
_ROBERTA = frozenset({"RobertaTokenizer"})
_CLASS_OF_TYPE = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "roberta": "RobertaTokenizer",
}
_PROBE = "a"


@dataclass(frozen=True)
class OpenTokenizer:
    """A tokenizer ready for texts: `lead` and `tail` special tokens stand before and after them."""

    tokenizer: Any
    lead: int
    tail: int
    side: str
    """Where a text is cut that is too long: 'right' keeps its beginning."""


def tokenizer_config(directory: Path) -> dict[str, Any]:
    """`tokenizer_config.json`, or nothing. Raises SecurityError if it names code of its own."""
    path = directory / TOKENIZER_CONFIG
    config = read_json(path) if path.is_file() else {}
    refuse_code(config, path)
    return config


def check_tokenizer(directory: Path) -> None:
    """Raises SpecError unless there is a `tokenizer.json`, or a vocabulary, of a sane size."""
    path = directory / TOKENIZER
    if not path.is_file():
        if has_vocabulary(directory):
            return
        raise SpecError(
            f"{directory}: has neither {TOKENIZER} nor {' and '.join(BPE)} nor {WORDPIECE[0]}: save the model's "
            "tokenizer with save_pretrained"
        )
    if path.stat().st_size > JSON_LIMIT:
        raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no tokenizer is")


def open_tokenizer(directory: Path, model_type: str, vocabulary: int | None) -> OpenTokenizer:
    """The tokenizer of a model with `vocabulary` token numbers (None: its configuration does not say).

    Raises SpecError for one that does not fit the model.
    """
    check_tokenizer(directory)
    config = tokenizer_config(directory)
    path = directory / TOKENIZER
    tokenizer = _read(path) if path.is_file() else from_vocabulary(directory, config)
    side = config.get("truncation_side") or (tokenizer.truncation or {}).get("direction", "right")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    _set_up_family(tokenizer, config, model_type, path)
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if vocabulary is not None and largest >= vocabulary:
        raise SpecError(f"{path}: has token number {largest}, the model knows {vocabulary} only")
    probe = tokenizer.encode(_PROBE)
    if any(probe.type_ids):
        raise SpecError(f"{path}: marks single texts with type numbers, which is not supported")
    mask = list(probe.special_tokens_mask)
    lead, inside = (mask.index(0) if 0 in mask else len(mask)), mask.count(0)
    tail = len(mask) - lead - inside
    if lead + tail != tokenizer.num_special_tokens_to_add(False):
        raise SpecError(f"{path}: puts special tokens inside of the text, which is not supported")
    return OpenTokenizer(tokenizer, lead, tail, str(side).lower())


def _read(path: Path) -> Any:
    check_rules(path)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise SpecError(f"{path}: cannot be read as a tokenizer ({str(error)[:200]})") from error


def _set_up_family(tokenizer: Any, config: Mapping[str, Any], model_type: str, path: Path) -> None:
    name = str(config.get("tokenizer_class") or _CLASS_OF_TYPE.get(model_type, "")).removesuffix("Fast")
    if name in _BERT:
        tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True,
            handle_chinese_chars=config.get("tokenize_chinese_chars", True),
            strip_accents=config.get("strip_accents"),
            lowercase=config.get("do_lower_case", True),
        )
    if name in _ROBERTA:
        spaced, trimmed = config.get("add_prefix_space", False), config.get("trim_offsets", True)
        ends = [token_of(config, key, default) for key, default in (("sep_token", "</s>"), ("cls_token", "<s>"))]
        numbers = [tokenizer.token_to_id(end) for end in ends]
        if None in numbers:
            raise SpecError(f"{path}: lacks the special tokens that {TOKENIZER_CONFIG} names")
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
        sep, cls = zip(ends, numbers, strict=True)
        tokenizer.post_processor = processors.RobertaProcessing(sep, cls, trimmed, spaced)


class PatternGaveUp(Exception):
    """A pattern of a tokenizer went over a text so often that the library gave up."""


GAVE_UP = Encoded(
    None,
    fault=Fault(Status.OUT_OF_CONTRACT, "a pattern of the model's tokenizer gives up on the text after too many tries"),
)


@contextmanager
def panics() -> Iterator[None]:
    """Turn the library's panics, which are no Exception, into PatternGaveUp."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise PatternGaveUp from None


class TextTokenizer:
    """Implements `workers.text_models.contract.TextEncoder`. `how` has every setting written out.

    The library's threads release the GIL; how many there are, RAYON_NUM_THREADS says (`workers.threads`).
    """

    def __init__(self, opened: OpenTokenizer, how: Windows, offsets: bool = False, lower: bool = False) -> None:
        self._opened = opened
        self._how = how
        self._offsets = offsets
        self._lower = lower
        tokenizer = opened.tokenizer
        tokenizer.enable_truncation(max_length=how.window, stride=how.stride or 0, direction=opened.side)
        self._encode = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast

    def encode(self, texts: Sequence[str]) -> Sequence[Encoded]:
        """Each text as a `TokenizedText`."""
        given = [text.lower() for text in texts] if self._lower else list(texts)
        try:
            with panics():
                return [self._encoded(first) for first in self._encode(given)]
        except PatternGaveUp:
            return [self._alone(text) for text in given]

    def close(self) -> None:
        """Nothing runs."""

    def _alone(self, text: str) -> Encoded:
        try:
            with panics():
                return self._encoded(self._encode([text])[0])
        except PatternGaveUp:
            return GAVE_UP

    def _encoded(self, first: Any) -> Encoded:
        text = self._cut([first, *first.overflowing])
        return Encoded(text, text.nbytes)

    def _cut(self, parts: list[Any]) -> TokenizedText:
        special = self._opened.lead + self._opened.tail
        stride = self._how.stride or 0
        windows = [np.asarray(part.ids, np.int32) for part in parts]
        counts = tuple(len(window) - special for window in windows)
        n_tokens = sum(counts) - stride * (len(windows) - 1)
        kept = self._how.max_windows or len(windows)
        starts = window_starts(counts, n_tokens, stride, self._opened.side)[:kept]
        first = min(starts)
        own_starts = tuple(start - first for start in starts)
        return TokenizedText(
            windows=tuple(windows[:kept]),
            starts=own_starts,
            counts=counts[:kept],
            lead=self._opened.lead,
            n_tokens=n_tokens,
            truncated=kept < len(parts),
            offsets=self._characters(parts[:kept], own_starts, counts[:kept]) if self._offsets else None,
        )

    def _characters(self, parts: list[Any], starts: tuple[int, ...], counts: tuple[int, ...]) -> Tokens:
        lead = self._opened.lead
        ends = max(start + count for start, count in zip(starts, counts, strict=True))
        offsets = np.zeros((ends, 2), np.int32)
        for part, start, count in zip(parts, starts, counts, strict=True):
            offsets[start : start + count] = np.asarray(part.offsets, np.int32)[lead : lead + count]
        return offsets
