"""From the texts of notes to the values of the output columns, by a spaCy pipeline and the rules of language."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from schemas.errors import RecordError, RefusedError
from schemas.status import Status
from workers.children.contract import Handler, Item
from workers.ehr.language.context import ContextRules
from workers.ehr.language.nltk_spans import PunktData, punkt, punkt_data, punkt_directory, word_spans
from workers.ehr.language.rules import FLAGS, load_rules
from workers.ehr.language.sections import SectionRules, section_at
from workers.ehr.language.segments import Span, segments
from workers.ehr.notes.formats.spacy.load import load_pipeline
from workers.ehr.notes.formats.spacy.step import PUNKT, STEP, LanguageStep

BATCH = 64
"""Texts that go through the pipeline together: a third faster than one by one, with the same bits."""


_HALF = re.compile("[\ud800-\udfff]")


class Analyser:
    """A pipeline with its rules, ready. To be used by one thread at a time."""

    def __init__(self, directory: Path, step: LanguageStep, punkt_digest: str = "") -> None:
        """Raises what loading raises, and RefusedError where Punkt's data, if any, have not this digest."""
        rules = load_rules(directory)
        self._step = step
        self._nlp = load_pipeline(directory, tags=step.tokens == "spacy")
        self._context = ContextRules(rules.triggers, rules.lists)
        self._sections = SectionRules(rules.sections)
        self._punkt: Callable[[str], list[Span]] | None = None
        if step.sentences == "punkt":
            self._punkt = punkt(_data_of(step, punkt_digest))

    def analyse(self, texts: Sequence[str]) -> list[dict[str, Any] | RecordError]:
        """For each text its output values by name, or why there are none. Each text is as if it were alone.

        What spaCy learns of the words of a batch (lexemes, strings, the tokenizer's cache) goes with the batch: its
        stores would else grow with the archive.
        """
        found: list[dict[str, Any] | RecordError] = [self._refuse(text) for text in texts]
        fit = [place for place, value in enumerate(found) if not isinstance(value, RecordError)]
        with self._nlp.memory_zone():
            docs = self._nlp.pipe((texts[place] for place in fit), batch_size=BATCH)
            for place, doc in zip(fit, docs, strict=True):
                try:
                    found[place] = self._values(texts[place], doc)
                except RecordError as error:
                    found[place] = error
        return found

    def _refuse(self, text: str) -> dict[str, Any] | RecordError:
        limit = min(self._step.max_chars, self._nlp.max_length)
        if len(text) > limit:
            return RecordError(Status.TOO_LARGE, f"the note has more than {limit} characters (language: max_chars)")
        if not text.isascii() and _HALF.search(text):
            return RecordError(Status.UNREADABLE, "its text has halves of characters (surrogates), which spaCy refuses")
        return {}

    def _values(self, text: str, doc: Any) -> dict[str, Any]:
        own = [(sent.start_char, sent.end_char) for sent in doc.sents] if doc.has_annotation("SENT_START") else None
        values: dict[str, Any] = {"entities": self._entities(text, doc, own)}
        sentences: Sequence[Span] = own or [(0, len(text))]
        if self._punkt is not None:
            sentences = self._punkt(text)
        if self._step.sentences != "none":
            values["sentences"] = [{"start": start, "end": end} for start, end in sentences]
            values["n_sentences"] = len(sentences)
        if self._step.tokens != "none":
            values["tokens"] = self._tokens(text, doc, sentences)
            values["n_tokens"] = len(values["tokens"])
        return values

    def _entities(self, text: str, doc: Any, sentences: Sequence[Span] | None) -> list[dict[str, Any]]:
        spans = [(entity.start_char, entity.end_char) for entity in doc.ents]
        if not spans:
            return []
        starts = None if sentences is None else [start for start, _ in sentences]
        headed = self._sections.find(text)
        sections = [section_at(headed, start) for start, _ in spans]
        implied = [section.implies if section else None for section in sections]
        flags = self._context.flags(text, segments(text, starts), spans, implied)
        entities = []
        for entity, (start, end), section, said in zip(doc.ents, spans, sections, flags, strict=True):
            value = {"start": start, "end": end, "label": entity.label_, "section": section.name if section else None}
            value |= {flag: flag in said for flag in FLAGS}
            if self._step.text:
                value["text"] = text[start:end]
            entities.append(value)
        return entities

    def _tokens(self, text: str, doc: Any, sentences: Sequence[Span]) -> list[dict[str, Any]]:
        if self._step.tokens == "spacy":
            return [
                {"start": t.idx, "end": t.idx + len(t), "pos": t.pos_ or None, "tag": t.tag_ or None}
                for t in doc
                if not t.is_space
            ]
        assert self._step.tokens != "none"
        spans = word_spans(self._step.tokens, text, sentences)
        return [{"start": start, "end": end, "pos": None, "tag": None} for start, end in spans]


@contextmanager
def _without_torch() -> Iterator[None]:
    """thinc imports torch where it is there, which costs two seconds and 300 MB; none of spaCy's own layers needs it.

    Only while spaCy is imported: scipy, which NLTK imports, asks a module that is there for its tensors.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = cast(ModuleType, None)
    try:
        yield
    finally:
        del sys.modules["torch"]


def _data_of(step: LanguageStep, digest: str) -> PunktData:
    data = punkt_data(punkt_directory(step.nltk_data, step.punkt_language))
    if data.digest != digest:
        raise RefusedError(
            f"language: nltk_data: the files in {step.nltk_data} are not those that the run names, or were changed as "
            "they were read: restore them, on every node"
        )
    return data


def build(settings: Mapping[str, Any]) -> Handler:
    """A handler for `workers.children`: `settings` are `directory`, the step and the digest of Punkt's data.

    A request is a batch: its data the UTF-8 texts one after another, its context `sizes`, their bytes. `meta["notes"]`
    of the result has for each either `values`, or `status` and `detail`.
    """
    # Where it is not there, loading the pipeline says so.
    with _without_torch(), suppress(ModuleNotFoundError):
        importlib.import_module("spacy")
    analyser = Analyser(Path(settings["directory"]), LanguageStep.model_validate(settings[STEP]), settings[PUNKT])

    def handle(data: memoryview, context: Mapping[str, Any]) -> Item:
        texts, offset = [], 0
        for size in context["sizes"]:
            texts.append(bytes(data[offset : offset + size]).decode("utf-8", "surrogatepass"))
            offset += size
        return Item((), {"notes": [_plain(value) for value in analyser.analyse(texts)]})

    return handle


def _plain(value: dict[str, Any] | RecordError) -> dict[str, Any]:
    if isinstance(value, RecordError):
        return {"status": str(value.status), "detail": value.detail}
    return {"values": value}
