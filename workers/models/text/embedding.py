"""An encoder of transformers that gives each note a vector.

Either as sentence-transformers lays it out (`modules.json`: Transformer, Pooling, Normalize), or any encoder whose
`wardround.json` says how its last hidden states become one vector:

    {"format": "text-embedding", "format_version": 1, "pooling": ["mean"], "normalize": true, "windows": {...}}

Poolings are those of sentence-transformers: `cls`, `max`, `mean` and `mean_sqrt_len` of all tokens, special ones
included; of several the vectors are joined in that order. `normalize` makes the vector of length 1. Columns are
`embedding`, `n_tokens`, `n_windows` and `truncated`.

A note that is longer than the window (by default `max_seq_length` of `sentence_bert_config.json`, beyond which
sentence-transformers cuts) has the mean of its windows' vectors, weighted by their tokens, then made of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.errors import SpecError
from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.models.text.contract import NoteEncoder, NoteScorer
from workers.models.text.directory import CARD, chosen_windows, declared_format, read_config, window_settings
from workers.models.text.pooling import MODULES, SentenceLayout, read_layout
from workers.models.text.tokenizer import NoteTokenizer, open_tokenizer
from workers.models.text.windows import COUNTS, STEP, Windows

NAME = "text-embedding"
FORMAT_STEPS: Mapping[str, type[BaseModel]] = {STEP: Windows}
"""Prepare steps of this format's own."""

LOOKS_FOR = "modules.json of sentence-transformers, or wardround.json with format 'text-embedding'"

EMBEDDING = OutputField(name="embedding", type="list<float32>", meaning="vector of the note", over_frames="mean")


def recognises(directory: Path) -> bool:
    """Whether there is a `modules.json`, or a `wardround.json` that names this format."""
    return (directory / MODULES).is_file() or declared_format(directory) == NAME


def describe(directory: Path) -> ModelCard:
    """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
    layout = read_layout(directory, NAME)
    config = read_config(layout.folder)
    how = validate(Windows, layout.windows, f"{directory / CARD}: {STEP}")
    settings = {
        "pooling": layout.pooling,
        "normalize": layout.normalize,
        "lower": layout.lower,
        "folder": layout.folder.relative_to(directory).as_posix(),
        "model_type": config.get("model_type", ""),
        "vocabulary": config.get("vocab_size"),
        **window_settings(layout.folder, config, how, _longest(layout)),
    }
    return ModelCard(NAME, (EMBEDDING, *COUNTS), ({STEP: settings[STEP]},), settings=settings)


def with_steps(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card as a spec's own steps make it. Raises SpecError where they do not fit the model."""
    how = chosen_windows(card.settings, steps, Windows)
    return replace(card, settings={**card.settings, STEP: how.model_dump(mode="json")})


def open_encoder(directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> NoteEncoder:
    """The tokenizer, cutting windows as the steps say."""
    settings = with_steps(card, steps).settings
    opened = open_tokenizer(directory / settings["folder"], settings["model_type"], settings["vocabulary"])
    return NoteTokenizer(opened, Windows.model_validate(settings[STEP]), lower=settings["lower"])


def load(directory: Path, card: ModelCard, device: str, threads: int) -> NoteScorer:
    """The model in float32 on `device`."""
    from workers.models.text import scorers  # noqa: PLC0415 - imports torch, which the driver must not

    read_config(directory / card.settings["folder"])
    return scorers.load_embedder(directory / card.settings["folder"], card, device, threads)


def _longest(layout: SentenceLayout) -> int | None:
    if layout.longest is not None and layout.longest < 4:
        raise SpecError(f"{layout.folder}: max_seq_length is {layout.longest}, which leaves no room for text")
    return layout.longest
