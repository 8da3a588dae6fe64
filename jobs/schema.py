"""JSON Schema of a spec: the envelope, with what each input and each prepare step says of its own settings.

What installed packages add is in it like our own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from workers.text_models.contract import NoteFormat

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Model = type[BaseModel]
Tell = Callable[[PluginError], None]


def spec_schema(tell: Tell) -> dict[str, Any]:
    """The whole schema as plain JSON. Imports no torch and no decoder.

    A plugin that cannot be imported is left out and reported to `tell`.
    """
    jobs: list[str] = []
    inputs: dict[Model, None] = {}
    lists: list[list[tuple[str, Model]]] = []
    for job in kinds():
        with _left_out(tell):
            rooms = job_kind(job).rooms()
            jobs.append(job)
            for name, place in rooms.items():
                with _left_out(tell):
                    inputs[Room(place).get("settings", "INPUT")] = None
                    table = Room(place).find("steps", "STEPS")
                    lists += [] if table is None else [list(_steps(name, table, tell))]
    return _composed(jobs, list(inputs), lists)


def _steps(collection: str, table: StepTable[Any], tell: Tell) -> Iterator[tuple[str, Model]]:
    for name in table:
        with _left_out(tell):
            yield name, table[name]
    for name in registry.formats(collection) if table.with_formats else ():
        with _left_out(tell):
            yield from Formats[NoteFormat](collection)[name].steps.items()


def _composed(jobs: list[str], inputs: list[Model], lists: list[list[tuple[str, Model]]]) -> dict[str, Any]:
    models: dict[Model, None] = dict.fromkeys([Spec, *inputs, *(model for steps in lists for _, model in steps)])
    # All at once: pydantic then tells models apart that have one name in two modules.
    refs, document = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = document["$defs"]
    spec = definitions.pop("Spec")
    arrays = [list_schema(steps, lambda model: refs[model, "validation"]) for steps in lists]
    spec["properties"] |= {
        "job": {**spec["properties"]["job"], "enum": jobs},
        "input": {"anyOf": [refs[model, "validation"] for model in inputs]},
        "prepare": {"anyOf": [*arrays, {"type": "null"}], "default": None},
    }
    return {"$schema": DIALECT, **spec, "title": "wardround spec", "$defs": definitions}


@contextmanager
def _left_out(tell: Tell) -> Iterator[None]:
    try:
        yield
    except PluginError as error:
        tell(error)
