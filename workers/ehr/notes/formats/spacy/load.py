"""Load a spaCy pipeline from a directory, with what nobody asks for switched off."""

import importlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.errors import MissingExtraError, SpecError
from workers.ehr.notes.formats.spacy.config import META, read_config
from workers.models.files import read_json

_WRITES_NO_ENTITIES = frozenset({"attribute_ruler", "lemmatizer", "morphologizer", "tagger", "trainable_lemmatizer"})
_TAGS = frozenset({"TAG", "POS", "MORPH", "LEMMA", "DEP"})
"""What those write; none of it bounds an entity or a sentence (heads do)."""

_LEXICAL = frozenset(
    {"ORTH", "TEXT", "LOWER", "NORM", "SHAPE", "PREFIX", "SUFFIX", "LENGTH", "SPACY", "OP", "LANG"}
    | {"LIKE_NUM", "LIKE_URL", "LIKE_EMAIL", "IS_ALPHA", "IS_ASCII", "IS_DIGIT", "IS_LOWER", "IS_UPPER", "IS_TITLE"}
    | {"IS_PUNCT", "IS_SPACE", "IS_STOP", "IS_BRACKET", "IS_QUOTE", "IS_LEFT_PUNCT", "IS_RIGHT_PUNCT", "IS_CURRENCY"}
)
"""Token attributes that the tokenizer alone decides."""


def load_pipeline(directory: Path, *, tags: bool) -> Any:
    """The pipeline. Without `tags`, taggers and lemmatizers are off, where no entity can depend on them.

    The parser stays: sentence ends bound entities, in spaCy's own recogniser and in our context rules.
    Raises MissingExtraError without spaCy, SecurityError or SpecError for a directory that is not to be loaded.
    """
    config = read_config(directory)
    try:
        util = importlib.import_module("spacy.util")
    except ModuleNotFoundError:
        raise MissingExtraError("spacy", "ehr") from None
    meta = read_json(directory / META)
    try:
        with warnings.catch_warnings():
            # That a model was trained with another minor version shows in the versions that a run records.
            warnings.simplefilter("ignore")
            nlp = util.load_model_from_config(config, meta=meta, auto_fill=True)
            nlp.from_disk(directory)
    except Exception as error:  # each part of a pipeline has a reader of its own, which fails in its own way
        raise SpecError(f"{directory}: spaCy cannot load this pipeline ({type(error).__name__})") from error
    if not tags:
        switch_off_taggers(nlp)
    return nlp


def switch_off_taggers(nlp: Any) -> None:
    """Disable what only tags or lemmatises, unless a feature, a pattern or a rule of the pipeline looks at that."""
    factories = nlp.pipe_factories
    off = {name for name in nlp.pipe_names if factories[name] in _WRITES_NO_ENTITIES}
    kept = [name for name in nlp.pipe_names if name not in off]
    if any(_reads_tags(nlp.get_pipe(name), nlp.get_pipe_config(name)) for name in kept):
        return
    if any(_writes_more_than_tags(nlp.get_pipe(name)) for name in off if factories[name] == "attribute_ruler"):
        return
    for name in off:
        nlp.disable_pipe(name)
    for name in kept:
        if factories[name] == "tok2vec" and not set(nlp.get_pipe(name).listening_components) & set(kept):
            nlp.disable_pipe(name)


def _reads_tags(pipe: Any, config: Any) -> bool:
    """Whether its features or patterns name more than the tokenizer gives."""
    return not {*_embedded(config), *_attributes(getattr(pipe, "patterns", ()))} <= _LEXICAL


def _embedded(value: Any) -> Iterable[str]:
    """The `attrs` and `phrase_matcher_attr` anywhere in a component's config."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "attrs" and isinstance(inner, list):
                yield from map(str, inner)
            elif key == "phrase_matcher_attr" and inner is not None:
                yield str(inner)
            else:
                yield from _embedded(inner)


def _attributes(patterns: Iterable[Any]) -> Iterable[str]:
    """Token attributes in the patterns of a ruler, in upper case as spaCy compares them."""
    for pattern in patterns:
        tokens = pattern.get("pattern") if isinstance(pattern, dict) else None
        for token in tokens if isinstance(tokens, list) else ():
            yield from (str(key).upper() for key in token)


def _writes_more_than_tags(ruler: Any) -> bool:
    return any(not {str(key).upper() for key in pattern["attrs"]} <= _TAGS for pattern in ruler.patterns)
