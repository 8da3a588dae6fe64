"""A Hugging Face text classification directory on notes, as `save_pretrained` of transformers writes it.

Read are `config.json` (architectures `...ForSequenceClassification`), `model.safetensors` or its shards,
`tokenizer.json`, `tokenizer_config.json`, and `wardround.json` where the author recommends windows:

    {"format": "text-classification", "format_version": 1,
     "windows": {"window": 512, "stride": 64, "aggregation": "mean"}}

Columns are `score_<label>` for the labels of `id2label` in the order of their numbers, then `n_tokens`, `n_windows`
and `truncated`. Activation as in transformers' own pipeline: none for `problem_type: regression`, sigmoid for
`multi_label_classification` or a single label, else softmax. A long note's score is made from those of its windows
(`workers.models.text.windows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard
from workers.models.head import score_fields
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
from workers.models.text.windows import COUNTS, STEP, ScoreWindows

NAME = "text-classification"
FORMAT_STEPS: Mapping[str, type[BaseModel]] = {STEP: ScoreWindows}
"""Prepare steps of this format's own."""

LOOKS_FOR = "config.json with architectures '...ForSequenceClassification'"


def recognises(directory: Path) -> bool:
    """Whether `config.json` names a sequence classification architecture of transformers."""
    return has_architecture(directory, "ForSequenceClassification")


def describe(directory: Path) -> ModelCard:
    """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
    config = read_config(directory)
    declared = read_declared(directory, NAME)
    head = head_of(config, directory / CONFIG)
    how = validate(ScoreWindows, declared.windows, f"{directory / CARD}: {STEP}")
    settings = {
        "activation": head.activation,
        "labels": head.labels,
        "model_type": config.get("model_type", ""),
        "vocabulary": config.get("vocab_size"),
        **window_settings(directory, config, how),
    }
    return with_steps(ModelCard(NAME, (*score_fields(head), *COUNTS), ({STEP: settings[STEP]},), settings=settings), ())


def with_steps(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card as a spec's own steps make it. Raises SpecError where they do not fit the model."""
    how = chosen_windows(card.settings, steps, ScoreWindows)
    if card.settings["activation"] == "none" and how.aggregation == "clinicalbert":
        raise SpecError(
            f"{STEP}.aggregation 'clinicalbert' is for probabilities, the model is a regression: use 'mean'"
        )
    return replace(card, settings={**card.settings, STEP: how.model_dump(mode="json")})


def open_encoder(directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> NoteEncoder:
    """The tokenizer, cutting windows as the steps say."""
    settings = with_steps(card, steps).settings
    opened = open_tokenizer(directory, settings["model_type"], settings["vocabulary"])
    return NoteTokenizer(opened, ScoreWindows.model_validate(settings[STEP]))


def load(directory: Path, card: ModelCard, device: str, threads: int) -> NoteScorer:
    """The model in float32 on `device`; the card has gone through `with_steps`."""
    from workers.models.text import scorers  # noqa: PLC0415 - imports torch, which the driver must not

    read_config(directory)
    return scorers.load_classifier(directory, card, device, threads)
