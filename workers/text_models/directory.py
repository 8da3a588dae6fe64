"""What the formats of transformers' text models share when they read a model directory. Imports no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from workers.models.files import read_json
from workers.models.huggingface import CONFIG, read_config
from workers.text_models.token_windows import STEP, Windows, given
from workers.text_models.tokenizer import TOKENIZER_CONFIG, open_tokenizer, tokenizer_config

CARD = "wardround.json"

W = TypeVar("W", bound=Windows)

_UNLIMITED = 1_000_000
"""Tokenizers say 10**30 where their model has no limit."""

_POSITIONS_BEHIND_PADDING = frozenset(
    {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "mpnet", "longformer", "esm",
     "data2vec-text", "ibert", "luke", "mluke"}
)  # fmt: skip
"""Their first position is that behind the padding token's number, so that many fewer tokens fit."""


class Declared(Frozen):
    """`wardround.json`, optional: what the author recommends, and what the files of transformers leave open."""

    format: str
    format_version: int = Field(default=1, ge=1, le=1)
    notes: str = Field(default="", description="free text: data, licence, intended use")


class DeclaredText(Declared):
    """That of a model on texts."""

    windows: dict[str, Any] = Field(default={}, description="settings of the prepare step of that name")
    prepare: tuple[Any, ...] = Field(default=(), description="the prepare steps before it, such as cleaning of notes")


D = TypeVar("D", bound=Declared)


def declared_format(directory: Path) -> str:
    """The format that `wardround.json` names, or nothing."""
    path = directory / CARD
    return str(read_json(path).get("format", "")) if path.is_file() else ""


def read_declared(directory: Path, name: str, kind: type[D]) -> D:
    """`wardround.json`, or its defaults. Raises SpecError if it is another format's."""
    path = directory / CARD
    declared = validate(kind, read_json(path) if path.is_file() else {"format": name}, str(path))
    if declared.format != name:
        raise SpecError(f"{path}: says format {declared.format!r}, but {CONFIG} is that of {name!r}")
    return declared


def read_encoder_config(directory: Path) -> dict[str, Any]:
    """`config.json` of a model of one half. Raises what workers.models.huggingface.read_config raises, or SpecError."""
    config = read_config(directory)
    if config.get("is_encoder_decoder"):
        raise SpecError(f"{directory / CONFIG}: encoder-decoder models are not supported")
    return config


def longest_window(config: Mapping[str, Any], directory: Path) -> int:
    """Tokens that the model takes at most: what tokenizer and position embeddings allow. Raises SpecError if unknown.

    Position embeddings are counted as `max_position_embeddings`, less those that RoBERTa and its kin never use.
    """
    limits = []
    allowed = tokenizer_config(directory).get("model_max_length")
    if isinstance(allowed, int | float) and allowed < _UNLIMITED:
        limits.append(int(allowed))
    table = config.get("max_position_embeddings")
    if isinstance(table, int) and table > 0:
        behind_padding = config.get("model_type") in _POSITIONS_BEHIND_PADDING
        limits.append(table - (int(config.get("pad_token_id") or 0) + 1 if behind_padding else 0))
    if not limits or min(limits) < 4:
        raise SpecError(f"{directory}: neither {TOKENIZER_CONFIG} nor {CONFIG} says how many tokens the model takes")
    return min(limits)


def window_settings(directory: Path, config: Mapping[str, Any], how: W, longest: int | None = None) -> dict[str, Any]:
    """Card settings of the windows: how the author cuts, written out, and what a spec must keep to."""
    limit = longest_window(config, directory)
    opened = open_tokenizer(directory, str(config.get("model_type", "")), config.get("vocab_size"))
    resolved = how if how.window or longest is None else how.model_copy(update={"window": min(longest, limit)})
    special = opened.lead + opened.tail
    windows = resolved.resolved(limit, special)
    return {"longest": limit, "special": special, STEP: windows.model_dump(mode="json")}


def chosen_windows(settings: Mapping[str, Any], steps: Sequence[BaseModel], kind: type[W]) -> W:
    """The windows of a run: the spec's step, else the author's. Raises SpecError where they do not fit the model."""
    step = given(steps, kind)
    if step is None:
        return kind.model_validate(settings[STEP])
    if step.window is None:
        step = step.model_copy(update={"window": settings[STEP]["window"]})
    return kind.model_validate(step.resolved(settings["longest"], settings["special"]).model_dump())
