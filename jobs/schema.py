"""JSON Schema of a spec: the envelope, with what each input and each prepare step says of its own settings.

What installed packages add is in it like our own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from jobs.registry import job_kind, kinds
from schemas.errors import PluginError
from schemas.spec import Spec
from workers import registry
from workers.lookup import Room
from workers.models.detect import Formats
from workers.prepare_list import StepTable, list_schema
from workers.text_models.contract import TextFormat

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Model = type[BaseModel]
Tell = Callable[[PluginError], None]


def spec_schema(tell: Tell) -> dict[str, Any]:
    """The whole schema as plain JSON. Imports no torch and no decoder.

    A plugin that cannot be imported is left out and reported to `tell`.
    """
    known = all_settings(tell)
    inputs = dict.fromkeys(model for rooms in known.inputs.values() for model in rooms.values())
    return _composed(list(known.inputs), list(inputs), list(known.steps.values()))


@dataclass(frozen=True)
class AllSettings:
    """Every model of settings that a spec can have beside its envelope.

    `inputs` are those of `input:` by kind of job and by the collection or format that is read, `steps` those of
    `prepare:` by collection; formats may have steps of one name with settings of their own. `augment` are those of
    `input.augment:` by collection.
    """

    inputs: dict[str, dict[str, Model]] = field(default_factory=dict)
    steps: dict[str, list[tuple[str, Model]]] = field(default_factory=dict)
    augment: dict[str, list[tuple[str, Model]]] = field(default_factory=dict)


def all_settings(tell: Tell) -> AllSettings:
    """What our code and installed packages have. Imports no torch and no decoder; what cannot be imported is told."""
    found = AllSettings()
    for job in kinds():
        with _left_out(tell):
            found.inputs[job] = {}
            for name, place in job_kind(job).rooms().items():
                with _left_out(tell):
                    found.inputs[job][name] = Room(place).get("settings", "INPUT")
                    table = Room(place).find("steps", "STEPS")
                    if table is not None:
                        found.steps[name] = list(_steps(name, table, tell))
                    for kind, more in (Room(place).find("more_steps", "TABLES") or {}).items():
                        found.steps[kind] = list(_steps(kind, more, tell))
                    changes = Room(place).find("augmenting", "AUGMENT")
                    if changes is not None:
                        found.augment[name] = list(changes.items())
    return found


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    """The keys of a schema, `Model.key`, that say nothing of themselves."""
    models = {"Spec": schema, **schema["$defs"]}
    return [
        f"{name}.{key}"
        for name, model in models.items()
        for key, prop in model.get("properties", {}).items()
        if not prop.get("description")
    ]


def _steps(collection: str, table: StepTable[Any], tell: Tell) -> Iterator[tuple[str, Model]]:
    for name in table:
        with _left_out(tell):
            yield name, table[name]
    for name in registry.formats(collection) if table.with_formats else ():
        with _left_out(tell):
            yield from Formats[TextFormat](collection)[name].steps.items()


def _composed(jobs: list[str], inputs: list[Model], lists: list[list[tuple[str, Model]]]) -> dict[str, Any]:
    models: dict[Model, None] = dict.fromkeys([Spec, *inputs, *(model for steps in lists for _, model in steps)])
    # All at once: pydantic then tells models apart that have one name in two modules.
    refs, document = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = document["$defs"]
    spec = definitions.pop("Spec")
    arrays = [list_schema(steps, lambda model: refs[model, "validation"]) for steps in lists]
    spec["properties"] |= {
        "job": {**spec["properties"]["job"], "enum": jobs},
        "input": {**_described(spec, "input"), "anyOf": [refs[model, "validation"] for model in inputs]},
        "prepare": {**_described(spec, "prepare"), "anyOf": [*arrays, {"type": "null"}], "default": None},
    }
    return {"$schema": DIALECT, **spec, "title": "wardround spec", "$defs": definitions}


def _described(spec: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {"description": spec["properties"][key]["description"]}


@contextmanager
def _left_out(tell: Tell) -> Iterator[None]:
    try:
        yield
    except PluginError as error:
        tell(error)
