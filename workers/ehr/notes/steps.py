"""The `prepare` list of a model on notes: cleaning first, then steps that the model's own format takes.

Cleaning (`workers.ehr.notes.cleaning`) is done by the reader, once for all models that ask for the same. A format
that has steps of its own (sections, sentences, windows) names them in its `steps`, a mapping from a step's name to the
pydantic model of its settings, which must not import torch. Its `with_steps` gets them, checked, in their order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from schemas.errors import PluginError, SpecError
from workers import prepare_list
from workers.contract import ModelCard
from workers.ehr.notes.cleaning import CleaningStep
from workers.models.detect import Formats
from workers.text_models.contract import TextFormat

Cleaning = tuple[CleaningStep, ...]

NOTE_FORMATS = Formats[TextFormat]("notes")

STEPS: prepare_list.StepTable[CleaningStep] = prepare_list.StepTable(
    "notes",
    {
        "controls": "workers.ehr.notes.cleaning:Controls",
        "deid_marks": "workers.ehr.notes.cleaning:DeidMarks",
        "html": "workers.ehr.notes.cleaning:Html",
        "unicode": "workers.ehr.notes.cleaning:UnicodeForm",
        "whitespace": "workers.ehr.notes.cleaning:Whitespace",
    },
    CleaningStep,
    open=True,
    with_formats=True,
)
"""Steps that clean, by name."""


def format_steps(name: str) -> Mapping[str, type[BaseModel]]:
    """The steps that a model format on notes has of its own, by name."""
    return NOTE_FORMATS[name].steps


def with_steps(card: ModelCard, given: Sequence[Any]) -> ModelCard:
    """The card under these steps (a whole `prepare` list), where its format makes a difference. Raises SpecError."""
    kind = NOTE_FORMATS[card.format]
    return kind.with_steps(card, split_steps(given, kind.steps)[1])


def split_steps(raw: object, own: Mapping[str, type[BaseModel]]) -> tuple[Cleaning, tuple[BaseModel, ...]]:
    """Cleaning, and the steps of the format, of a spec's `prepare` list; `own` are those that the format has.

    Raises SpecError (`workers.prepare_list`), also where a step cleans after one that does not.
    """
    cleaning: list[CleaningStep] = []
    others: list[BaseModel] = []
    for position, (name, step) in enumerate(prepare_list.parse_steps(raw, STEPS, own, in_turn=CleaningStep)):
        if not isinstance(step, CleaningStep):
            others.append(step)
        elif others:
            raise SpecError(f"prepare[{position}]: {name} cleans the text: it goes before the model's own steps")
        else:
            cleaning.append(step)
    return tuple(cleaning), tuple(others)


def clean(cleaning: Cleaning, text: str) -> str:
    """The text after these steps, as long as before. Raises PluginError where the step of a package changed that."""
    for step in cleaning:
        before, text = len(text), step(text)
        # Offsets of entities would point elsewhere in the note as it was given, and nothing would say so.
        if len(text) != before:
            raise PluginError(
                f"prepare step {step.name!r} made a text longer or shorter; it has to keep every character's place"
            )
    return text
