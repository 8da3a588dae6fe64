"""The `prepare` list of a model on notes: cleaning first, then steps that the model's own format takes.

Cleaning (`workers.ehr.notes.cleaning`) is done by the reader, once for all models that ask for the same. A format
that has steps of its own (sections, sentences, windows) names them in its `steps`, a mapping from a step's name to the
pydantic model of its settings, which must not import torch. Its `with_steps` gets them, checked, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from workers.contract import ModelCard
from workers.ehr.notes.cleaning import STEPS, CleaningStep
from workers.models.detect import Formats
from workers.models.text.contract import NoteFormat
from workers.registry import FORMATS

Cleaning = tuple[CleaningStep, ...]

NOTE_FORMATS = Formats[NoteFormat]("notes")


def format_steps(name: str) -> Mapping[str, type[BaseModel]]:
    """The steps that a model format on notes has of its own, by name."""
    return NOTE_FORMATS[name].steps


def with_steps(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card under these steps (a whole `prepare` list), where its format makes a difference. Raises SpecError."""
    kind = NOTE_FORMATS[card.format]
    return kind.with_steps(card, split_steps(steps, kind.steps)[1])


def split_steps(raw: Sequence[Any], own: Mapping[str, type[BaseModel]]) -> tuple[Cleaning, tuple[BaseModel, ...]]:
    """Cleaning, and the steps of the format, of a spec's `prepare` list; `own` are those that the format has.

    Each entry is a name, or a mapping of one name to its settings. Raises SpecError that names the entry, the step,
    the key, and the nearest known name.
    """
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise SpecError(f"prepare: expected a list of steps, found {type(raw).__name__}")
    known: dict[str, type[BaseModel]] = {**own, **STEPS}
    cleaning: list[CleaningStep] = []
    others: list[BaseModel] = []
    for position, entry in enumerate(raw):
        step = _parse(entry, known, f"prepare[{position}]")
        if not isinstance(step, CleaningStep):
            others.append(step)
        elif others:
            raise SpecError(f"prepare[{position}]: {step.name} cleans the text: it goes before the model's own steps")
        else:
            cleaning.append(step)
    return tuple(cleaning), tuple(others)


def clean(steps: Cleaning, text: str) -> str:
    """The text after these steps, as long as before."""
    for step in steps:
        text = step(text)
    return text


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `prepare` list over notes, with the steps of every format.

    Formats may have steps of one name with settings of their own.
    """
    classes: list[tuple[str, type[BaseModel]]] = list(STEPS.items())
    for name in FORMATS["notes"]:
        classes += format_steps(name).items()
    places, document = models_json_schema(
        [(model, "validation") for _, model in dict.fromkeys(classes)], ref_template="#/$defs/{model}"
    )
    steps = [_step_schema(name, model, places[model, "validation"]) for name, model in dict.fromkeys(classes)]
    bare = {"enum": sorted({name for name, model in classes if _has_only_defaults(model)})}
    return {"type": "array", "items": {"anyOf": [bare, *steps]}, "$defs": document["$defs"]}


def _parse(entry: Any, known: Mapping[str, type[BaseModel]], where: str) -> BaseModel:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise SpecError(f"{where}: expected a step's name, or one name with its settings, such as 'html: {{}}'")
    ((name, settings),) = entry.items()
    if name not in known:
        listed = ", ".join(sorted(known))
        raise SpecError(f"{where}: unknown step {name!r}{nearest(str(name), known) or '.'} Known: {listed}")
    return validate(known[name], {} if settings is None else settings, f"{where} {name}")


def _step_schema(name: str, model: type[BaseModel], schema: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"anyOf": [schema, {"type": "null"}]} if _has_only_defaults(model) else schema
    return {"type": "object", "properties": {name: settings}, "required": [name], "additionalProperties": False}


def _has_only_defaults(model: type[BaseModel]) -> bool:
    try:
        model()
    except ValidationError:
        return False
    return True
