"""A recurrent network over the words of a note, as a directory: `config.json`, `model.safetensors`, `vocabulary.txt`.

    {"format": "wardround-note-model", "format_version": 1,
     "network": "word_rnn", "settings": {"words": 20002, "num_outputs": 2, "cell": "lstm", ...},
     "head": {"activation": "softmax", "labels": ["stable", "readmitted"]},
     "tokens": {"rule": "words", "lower": true},       optional: workers.ehr.notes.formats.word_tokens.TokenRule
     "words": {"max_tokens": 2000, "keep": "start"}}   optional: what the step `words` says otherwise

Settings and names of weights: workers/ehr/notes/networks/word_rnn.py. `vocabulary.txt` has a word a line; the first
line is number 2, 0 is padding, 1 any word that is not there. Columns are `score_<label>`, `n_tokens` (words of the
note), `oov_rate` (share of unknown ones among those kept) and `truncated` (whether there were more than `max_tokens`).

Batches are cut by length and differ between shard sizes; sums in another order change a score by 1e-7 or so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.ehr.notes.formats.word_tokens import COUNTS, STEP, TokenRule, WordEncoder, Words, read_vocabulary
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, check_fields
from workers.models.text.contract import NoteEncoder, NoteScorer

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
VOCABULARY = "vocabulary.txt"
NAME = "wardround-note-model"
FORMAT_STEPS: Mapping[str, type[BaseModel]] = {STEP: Words}
"""Prepare steps of this format's own."""

LOOKS_FOR = "config.json with format 'wardround-note-model'"


class WordModelConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them at load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["wardround-note-model"]
    format_version: Literal[1]
    network: Literal["word_rnn"]
    settings: dict[str, Any]
    head: Head
    outputs: tuple[OutputField, ...] = ()
    tokens: TokenRule = TokenRule()
    words: Words = Words()
    notes: str = Field(default="", description="free text: data, licence, intended use")


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(WordModelConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    read_vocabulary(directory / VOCABULARY, _count(config.settings, "words", path))
    if _count(config.settings, "num_outputs", path) != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    fields = check_fields(config.head, config.outputs, str(path))
    return ModelCard(
        format="word-rnn",
        outputs=(*fields, *COUNTS),
        prepare=({STEP: config.words.model_dump(mode="json")},),
        settings={
            "settings": config.settings,
            "activation": config.head.activation,
            "tokens": config.tokens.model_dump(mode="json"),
            STEP: config.words.model_dump(mode="json"),
        },
    )


def with_steps(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card as a spec's own steps make it."""
    words = card.settings[STEP]
    for step in steps:
        given = step.get(STEP) or {} if isinstance(step, Mapping) else step
        words = given if isinstance(given, Words) else validate(Words, given, f"prepare {STEP}")
        words = words.model_dump(mode="json")
    return replace(card, settings={**card.settings, STEP: words})


def open_encoder(directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> NoteEncoder:
    """Words to numbers, as the directory and the steps say."""
    settings = with_steps(card, steps).settings
    numbers = read_vocabulary(directory / VOCABULARY, settings["settings"]["words"])
    return WordEncoder(numbers, TokenRule.model_validate(settings["tokens"]), Words.model_validate(settings[STEP]))


def load(directory: Path, card: ModelCard, device: str, threads: int) -> NoteScorer:
    """The network in float32 on `device`. Raises SpecError if settings or weights do not fit it."""
    from workers.ehr.notes.formats import word_rnn_loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return word_rnn_loaded.load(directory / WEIGHTS, card, device, threads)


def _count(settings: Mapping[str, Any], key: str, path: Path) -> int:
    value = settings.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpecError(f"{path}: settings.{key} must be a positive number")
    return value
