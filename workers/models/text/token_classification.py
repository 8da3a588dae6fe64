"""A Hugging Face token classification directory on notes: named entities, or what de-identification must find.

Read is what `workers.models.text.classification` reads, with architectures `...ForTokenClassification` and format
`text-token-classification` in `wardround.json`. Column `entities` has one entry a span: `start` and `end` are
characters of the text that the model was given (end exclusive), `label` is without its `B-` or `I-`, `score` the mean
probability of the span's tokens. Spans are joined as transformers' `TokenClassificationPipeline` joins them with
`aggregation_strategy="simple"`; label `O` is left out. Then `n_tokens`, `n_windows` and `truncated`.

Neighbouring windows of a long note overlap, a quarter of a window unless told otherwise, so that every token is seen
with context on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.models.huggingface import CONFIG, head_of
from workers.models.text.contract import NoteEncoder, NoteScorer
from workers.models.text.directory import (
    CARD,
    chosen_windows,
    has_architecture,
    read_config,
    read_declared,
    window_settings,
)
from workers.models.text.tokenizer import NoteTokenizer, open_tokenizer
from workers.models.text.windows import COUNTS, STEP, EntityWindows

NAME = "text-token-classification"
FORMAT_STEPS: Mapping[str, type[BaseModel]] = {STEP: EntityWindows}
"""Prepare steps of this format's own."""

LOOKS_FOR = "config.json with architectures '...ForTokenClassification'"

ENTITIES = OutputField(
    name="entities",
    type="list<struct<start: int32, end: int32, label: string, score: float32>>",
    meaning="spans by characters of the text the model was given (end exclusive), and their mean probability",
    over_frames="concat",
)


def recognises(directory: Path) -> bool:
    """Whether `config.json` names a token classification architecture of transformers."""
    return has_architecture(directory, "ForTokenClassification")


def describe(directory: Path) -> ModelCard:
    """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
    config = read_config(directory)
    declared = read_declared(directory, NAME)
    how = validate(EntityWindows, declared.windows, f"{directory / CARD}: {STEP}")
    settings = {
        "labels": head_of(config, directory / CONFIG).labels,
        "model_type": config.get("model_type", ""),
        "vocabulary": config.get("vocab_size"),
        **window_settings(directory, config, how),
    }
    return ModelCard(NAME, (ENTITIES, *COUNTS), ({STEP: settings[STEP]},), settings=settings)


def with_steps(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card as a spec's own steps make it. Raises SpecError where they do not fit the model."""
    how = chosen_windows(card.settings, steps, EntityWindows)
    return replace(card, settings={**card.settings, STEP: how.model_dump(mode="json")})


def open_encoder(directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> NoteEncoder:
    """The tokenizer, cutting windows as the steps say."""
    settings = with_steps(card, steps).settings
    opened = open_tokenizer(directory, settings["model_type"], settings["vocabulary"])
    return NoteTokenizer(opened, EntityWindows.model_validate(settings[STEP]), offsets=True)


def load(directory: Path, card: ModelCard, device: str, threads: int) -> NoteScorer:
    """The model in float32 on `device`; the card has gone through `with_steps`."""
    from workers.models.text import scorers  # noqa: PLC0415 - imports torch, which the driver must not

    read_config(directory)
    return scorers.load_tagger(directory, card, device, threads)
