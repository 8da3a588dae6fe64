"""Sentences and words as NLTK finds them, as offsets. Of its data only Punkt's text files are read, never a pickle."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from schemas.errors import MissingExtraError, RecordError, SpecError
from schemas.status import Status
from workers.ehr.language.segments import Span

_PUNKT_FILES = ("abbrev_types.txt", "collocations.tab", "ortho_context.tab", "sent_starters.txt")


def punkt_directory(nltk_data: str | None, language: str) -> Path:
    """Where Punkt's data of a language lie. Raises SpecError where they do not."""
    if nltk_data is None:
        raise SpecError(
            "language: sentences: punkt needs 'nltk_data: DIR', a local directory with tokenizers/punkt_tab; "
            "NLTK's package does not bring it, and nothing is downloaded"
        )
    directory = Path(nltk_data) / "tokenizers" / "punkt_tab" / language
    missing = [name for name in _PUNKT_FILES if not (directory / name).is_file()]
    if missing:
        raise SpecError(f"language: nltk_data: {directory} lacks {', '.join(missing)}: put NLTK's punkt_tab there")
    return directory


@dataclass(frozen=True)
class PunktData:
    """Punkt's files of a language by name, read once: the bytes that `digest` is of are those that split texts."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """sha256 over the files."""
        parts = [hashlib.sha256(self.files[name]).hexdigest() for name in _PUNKT_FILES]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def punkt_data(directory: Path) -> PunktData:
    """What lies in the directory of a language (`punkt_directory`). Raises SpecError for files that cannot be read."""
    try:
        return PunktData({name: (directory / name).read_bytes() for name in _PUNKT_FILES})
    except OSError as error:
        raise SpecError(f"language: nltk_data: {directory}: {error.strerror}: make its files readable") from None


def punkt(data: PunktData) -> Callable[[str], list[Span]]:
    """The sentences of a text by NLTK's PunktSentenceTokenizer with these data. Raises SpecError for damaged ones."""
    module = _nltk_punkt()
    tokenizer = module.PunktSentenceTokenizer(_punkt_parameters(module, data))
    return lambda text: list(tokenizer.span_tokenize(text))


def word_spans(kind: Literal["treebank", "wordpunct"], text: str, sentences: Sequence[Span]) -> list[Span]:
    """Words of a text: Treebank sentence by sentence, as NLTK's word_tokenize does, WordPunct over all of it.

    Raises RecordError (unsupported) where NLTK cannot tell where in the text its tokens are.
    """
    tokenizer = _word_tokenizer(kind)
    if kind == "wordpunct":
        return list(tokenizer.span_tokenize(text))
    found: list[Span] = []
    for start, end in sentences:
        found.extend((start + a, start + b) for a, b in _aligned(tokenizer, text[start:end]))
    return found


def _aligned(tokenizer: Any, sentence: str) -> Iterable[Span]:
    try:
        return list(tokenizer.span_tokenize(sentence))
    except (ValueError, RuntimeError):
        # Its message quotes the sentence.
        raise RecordError(
            Status.UNSUPPORTED, "NLTK's Treebank tokenizer cannot align its tokens with the quotes of a sentence"
        ) from None
    except TimeoutError:
        raise RecordError(Status.TIMED_OUT, "a pattern of NLTK's Treebank tokenizer took too long") from None


@cache
def _word_tokenizer(kind: str) -> Any:
    try:
        from nltk.tokenize import TreebankWordTokenizer, WordPunctTokenizer  # noqa: PLC0415 - optional package
    except ModuleNotFoundError:
        raise MissingExtraError("nltk", "ehr") from None
    return TreebankWordTokenizer() if kind == "treebank" else WordPunctTokenizer()


def _nltk_punkt() -> Any:
    try:
        from nltk.tokenize import punkt as module  # noqa: PLC0415 - optional package
    except ModuleNotFoundError:
        raise MissingExtraError("nltk", "ehr") from None
    return module


def _punkt_parameters(module: Any, data: PunktData) -> Any:
    """As NLTK's own load_punkt_params, which reads below its configured data paths only."""
    parameters = module.PunktParameters()
    lines = {name: _lines(name, body) for name, body in data.files.items()}
    parameters.abbrev_types = set(lines["abbrev_types.txt"])
    parameters.sent_starters = set(lines["sent_starters.txt"])
    parameters.collocations = {tuple(line.split("\t")) for line in lines["collocations.tab"]}
    for line in lines["ortho_context.tab"]:
        word, _, flags = line.partition("\t")
        if not flags.isdecimal():
            raise _damaged("ortho_context.tab")
        parameters.ortho_context[word] = int(flags)
    return parameters


def _lines(name: str, body: bytes) -> list[str]:
    try:
        text = body.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise _damaged(name) from None
    return [line for line in text.split("\n") if line]


def _damaged(name: str) -> SpecError:
    return SpecError(f"language: nltk_data: {name} is not as NLTK's punkt_tab has it: put NLTK's own file there")
