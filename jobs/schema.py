"""JSON Schema of a spec: the envelope, with what each input and each prepare step says of its own settings."""

from __future__ import annotations

import importlib
from typing import Any

from pydantic import BaseModel

from schemas.spec import Spec
from workers import registry
from workers.ehr.notes import prepare as notes
from workers.genomics.genotypes import steps as genotypes
from workers.genomics.sequences import prepare as sequences
from workers.images.prepare import catalogue
from workers.molecules import prepare as molecules

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def spec_schema() -> dict[str, Any]:
    """The whole schema as plain JSON. Imports no torch and no decoder."""
    schema = Spec.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    rooms = [*registry.COLLECTIONS.values(), *registry.CONVERTERS.values()]
    schema["properties"]["input"] = {"anyOf": [_input(room, definitions) for room in dict.fromkeys(rooms)]}
    rooms_with_steps = (catalogue, notes, genotypes, sequences, molecules)
    lists = [room.json_schema() for room in rooms_with_steps]
    for steps in lists:
        definitions |= steps.pop("$defs")
    schema["properties"]["prepare"] = {"anyOf": [*lists, {"type": "null"}], "default": None}
    return {"$schema": DIALECT, "title": "wardround spec", **{k: v for k, v in schema.items() if k != "title"}}


def _input(room: str, definitions: dict[str, Any]) -> dict[str, str]:
    model: type[BaseModel] = importlib.import_module(f"{room}.settings").INPUT
    found = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= found.pop("$defs", {})
    definitions[model.__name__] = found
    return {"$ref": f"#/$defs/{model.__name__}"}
