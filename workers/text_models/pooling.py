"""How an encoder's hidden states become one vector, as sentence-transformers' files or our own say. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from schemas.errors import SpecError
from workers.models.files import JSON_LIMIT, confined, parse_json, read_json
from workers.text_models.directory import CARD, DeclaredText, read_declared

MODULES = "modules.json"
POOLINGS = ("cls", "max", "mean", "mean_sqrt_len")
"""The kinds of pooling in the order in which sentence-transformers joins their vectors."""

Pooling = Literal["cls", "max", "mean", "mean_sqrt_len"]

_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
}


class Embedding(DeclaredText):
    """`wardround.json` of an encoder."""

    pooling: tuple[Pooling, ...] = Field(default=(), max_length=len(POOLINGS))
    normalize: bool = False


@dataclass(frozen=True)
class SentenceLayout:
    """`folder` has the transformer. `longest` is where its author cuts, `lower` whether texts are put in lower case."""

    folder: Path
    pooling: tuple[str, ...]
    normalize: bool
    longest: int | None = None
    lower: bool = False
    windows: Mapping[str, Any] = field(default_factory=dict)
    prepare: tuple[Any, ...] = ()


def read_layout(directory: Path, name: str) -> SentenceLayout:
    """Read `modules.json` where there is one, else `wardround.json`. Raises SpecError for what is not supported."""
    declared = read_declared(directory, name, Embedding)
    if not (directory / MODULES).is_file():
        if not declared.pooling:
            raise SpecError(f"{directory / CARD}: 'pooling' is missing; known: {', '.join(POOLINGS)}")
        return SentenceLayout(
            directory,
            _ordered(declared.pooling),
            declared.normalize,
            windows=declared.windows,
            prepare=declared.prepare,
        )
    if declared.pooling or declared.normalize:
        raise SpecError(f"{directory / CARD}: pooling is said by {MODULES}: leave 'pooling' and 'normalize' out")
    return replace(_sentence_transformers(directory, declared.windows), prepare=declared.prepare)


def _sentence_transformers(directory: Path, windows: Mapping[str, Any]) -> SentenceLayout:
    modules = _read_modules(directory)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise SpecError(f"{directory / MODULES}: modules are {kinds}; supported: Transformer, Pooling, then Normalize")
    folders = [_folder(directory, module) for module in modules]
    sentence = _optional(directory / "sentence_bert_config.json") or _optional(folders[0] / "sentence_bert_config.json")
    if _optional(directory / "config_sentence_transformers.json").get("default_prompt_name"):
        raise SpecError(f"{directory}: puts a prompt before each text, which is not supported")
    return SentenceLayout(
        folder=folders[0],
        pooling=_poolings(folders[1] / "config.json"),
        normalize=kinds[2:] == ["Normalize"],
        longest=_longest(sentence, directory),
        lower=bool(sentence.get("do_lower_case")),
        windows=windows,
    )


def _longest(sentence: Mapping[str, Any], directory: Path) -> int | None:
    """Where texts are cut; None where nothing says so."""
    longest = sentence.get("max_seq_length")
    if longest is not None and (type(longest) is not int or longest < 0):
        raise SpecError(f"{directory}: max_seq_length of sentence_bert_config.json is no number of tokens: correct it")
    return longest or None


def _read_modules(directory: Path) -> list[dict[str, Any]]:
    path = directory / MODULES
    try:
        if path.stat().st_size > JSON_LIMIT:
            raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no list of modules is")
        modules = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise SpecError(f"{path}: must hold a list of modules")
    return modules


def _folder(directory: Path, module: Mapping[str, Any]) -> Path:
    path = str(module.get("path", ""))
    return confined(directory, path) if path else directory


def _poolings(path: Path) -> tuple[str, ...]:
    config = read_json(path)
    named = config.get("pooling_mode")
    if named is not None:
        return _ordered(tuple(map(str, named if isinstance(named, list) else [named])), path)
    found = tuple(name for flag, name in _FLAGS.items() if config.get(flag))
    others = [key for key, on in config.items() if key.startswith("pooling_mode_") and on and key not in _FLAGS]
    return _ordered((*found, *others), path)


def _ordered(names: tuple[str, ...], path: Path | None = None) -> tuple[str, ...]:
    unknown = sorted(set(names) - set(POOLINGS))
    if unknown or not names:
        raise SpecError(f"{path}: pooling {unknown or 'is missing'}; supported: {', '.join(POOLINGS)}")
    return tuple(name for name in POOLINGS if name in names)


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
