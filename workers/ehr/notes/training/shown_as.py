"""The prepare list of a training over notes: cleaning, and how the network is shown what is left. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.errors import SpecError
from schemas.loading import validate
from workers.ehr.notes.formats.word_rnn import WordModelConfig
from workers.ehr.notes.formats.word_tokens import STEP, TokenRule, Words
from workers.ehr.notes.steps import split_steps
from workers.ehr.notes.training.settings import NotesTraining
from workers.models.files import read_json
from workers.models.network_directory import CONFIG
from workers.prepare_list import without
from workers.text_models.token_windows import STEP as WINDOWS
from workers.text_models.token_windows import Windows
from workers.text_models.training.collection import OF_SCORES, OF_SPANS, Kind


def word_steps(given: Sequence[Any]) -> tuple[tuple[Any, ...], Words]:
    """Cleaning as the list has it, and the step `words`, or its defaults. Raises SpecError (`split_steps`)."""
    _, own = split_steps(list(given), {STEP: Words})
    found = next((step for step in own if isinstance(step, Words)), Words())
    return without(given, STEP), found


def kind_of(source: NotesTraining) -> Kind:
    """The format that a network of transformers has in the end, and the settings of its windows."""
    return OF_SPANS if source.has_spans else OF_SCORES


def split_windows(kind: type[Windows], given: Sequence[Any]) -> tuple[tuple[Any, ...], Sequence[BaseModel]]:
    """Cleaning as the list has it, and the step `windows`, if it is there. Raises SpecError (`split_steps`)."""
    _, own = split_steps(list(given), {WINDOWS: kind})
    return without(given, WINDOWS), own


def rule_of(source: NotesTraining, start: Path | None) -> TokenRule:
    """How notes are cut into words: as the spec says, or the model that the training begins from."""
    return source.tokens if start is None else start_config(start, source).tokens


def start_config(start: Path, source: NotesTraining) -> WordModelConfig:
    """`config.json` of the model to begin from. Raises SpecError where it is another network."""
    config = validate(WordModelConfig, read_json(start / CONFIG), f"input.start: {CONFIG}")
    if config.network != source.network.name:
        raise SpecError(f"input.start: is a {config.network}; it has to be a {source.network.name}")
    return config
