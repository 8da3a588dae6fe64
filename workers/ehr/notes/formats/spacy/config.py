"""What a spaCy pipeline directory may ask for: components and functions that spaCy itself brings, and no others.

A `config.cfg` names factories and registered functions, and spaCy calls whatever an installed package registered
under that name, loads other pipelines that it names, and runs callbacks. Here each name must be on a list.
"""

import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import MissingExtraError, SecurityError, SpecError
from schemas.loading import nearest
from workers.ehr.notes.formats.spacy.expansion import check_values, check_variables

CONFIG = "config.cfg"
META = "meta.json"

FACTORIES = frozenset(
    {
        "attribute_ruler",
        "entity_ruler",
        "future_entity_ruler",
        "lemmatizer",
        "morphologizer",
        "ner",
        "parser",
        "senter",
        "sentencizer",
        "span_ruler",
        "tagger",
        "tok2vec",
        "trainable_lemmatizer",
    }
)

_LAYERS = ("Tok2Vec", "MultiHashEmbed", "CharacterEmbed", "HashEmbedCNN", "MaxoutWindowEncoder", "MishWindowEncoder")
_HEADS = ("TransitionBasedParser", "Tagger")
_SCORERS = (
    "attribute_ruler_scorer entity_ruler_scorer lemmatizer_scorer morphologizer_scorer ner_scorer "
    "overlapping_labeled_spans_scorer parser_scorer senter_scorer tagger_scorer"
)

FUNCTIONS: Mapping[str, frozenset[str]] = {
    "@architectures": frozenset(
        {"spacy.Tok2VecListener.v1"}
        | {f"spacy.{name}.v{version}" for name in (*_LAYERS, *_HEADS) for version in (1, 2)}
    ),
    "@tokenizers": frozenset({"spacy.Tokenizer.v1"}),
    "@vectors": frozenset({"spacy.Vectors.v1"}),
    "@misc": frozenset(
        {
            "spacy.levenshtein_compare.v1",
            "spacy.first_longest_spans_filter.v1",
            "spacy.prioritize_existing_ents_filter.v1",
            "spacy.prioritize_new_ents_filter.v1",
        }
    ),
    "@scorers": frozenset(f"spacy.{name}.v1" for name in _SCORERS.split()),
}
"""Functions that a config may have called, by registry."""

_CALLBACKS = ("before_creation", "after_creation", "after_pipeline_creation")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_COMPONENT = re.compile(r"\w[\w .+-]*\Z")
_LIMIT = 1 << 20


def read_config(directory: Path) -> dict[str, Any]:
    """The parts `nlp` and `components` of `config.cfg`, interpolated and checked. Runs nothing.

    Raises SecurityError for a name that is not on the lists, SpecError for a file that is none, MissingExtraError
    without spaCy.
    """
    path = directory / CONFIG
    raw = _parse(path)
    config: dict[str, Any] = {part: raw.get(part) for part in ("nlp", "components")}
    for part, value in config.items():
        if not isinstance(value, dict):
            raise SpecError(f"{path}: has no section [{part}]: it is not the config of a spaCy pipeline")
    _check_nlp(path, config["nlp"])
    _check_components(path, config)
    for key, value in _functions(config):
        allowed = FUNCTIONS.get(key, frozenset())
        if value not in allowed:
            raise SecurityError(f"{path}: calls the function {key} = {value!r}, which is not one of those allowed")
    return config


def _parse(path: Path) -> dict[str, Any]:
    try:
        # What spaCy itself reads its config with: another parser could see another file.
        from confection import Config  # noqa: PLC0415 - comes with spaCy, an optional package
    except ModuleNotFoundError:
        raise MissingExtraError("spacy", "ehr") from None
    try:
        if path.stat().st_size > _LIMIT:
            raise SpecError(f"larger than {_LIMIT} bytes, which no pipeline's config is")
        text = path.read_text(encoding="utf-8")
        check_variables(text)
        config = dict(Config().from_str(text))
        check_values(config)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, configparser.Error) as error:
        raise SpecError(f"{path}: cannot be read as the config of a spaCy pipeline ({type(error).__name__})") from None
    return config


def _check_nlp(path: Path, nlp: Mapping[str, Any]) -> None:
    if not (isinstance(nlp.get("lang"), str) and _LANGUAGE.match(nlp["lang"])):
        raise SecurityError(f"{path}: nlp.lang must be a language code of two or three letters")
    for key in _CALLBACKS:
        if nlp.get(key) is not None:
            raise SecurityError(f"{path}: nlp.{key} runs code when the pipeline is made: remove it")


def _check_components(path: Path, config: Mapping[str, Any]) -> None:
    named = config["nlp"].get("pipeline")
    if not isinstance(named, list) or not all(name in config["components"] for name in named):
        raise SpecError(f"{path}: nlp.pipeline must list components that the config has")
    for name, settings in config["components"].items():
        # Each component is read from a folder of its own name.
        if not _COMPONENT.match(name):
            raise SecurityError(f"{path}: component {name!r} has a name that no folder in the directory can have")
        factory = settings.get("factory") if isinstance(settings, dict) else None
        if factory not in FACTORIES:
            raise SecurityError(
                f"{path}: component {name!r} is made by {factory!r}, which is not one of spaCy's own components that "
                f"are allowed{nearest(str(factory), FACTORIES) or '.'} Allowed: {', '.join(sorted(FACTORIES))}"
            )
        if "source" in settings:
            raise SecurityError(f"{path}: component {name!r} is taken from another pipeline: save it with its own data")


def _functions(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if str(key).startswith("@"):
                yield key, inner
            yield from _functions(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _functions(inner)
