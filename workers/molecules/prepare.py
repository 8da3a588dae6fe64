"""The `prepare` steps of models on molecules: which SMILES a model of text is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from schemas.errors import SpecError
from schemas.loading import nearest, validate


class Smiles(BaseModel):
    """`canonical`: RDKit's own, of the molecule as it was standardised. `given`: as it stands in the input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["canonical", "given"] = "canonical"


STEPS: Mapping[str, type[BaseModel]] = {"smiles": Smiles}
"""By the name that a spec gives."""


def parse_steps(raw: Sequence[Any]) -> Smiles:
    """A whole `prepare` list. Raises SpecError that names the entry, and the nearest known name."""
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise SpecError(f"prepare: expected a list of steps, found {type(raw).__name__}")
    found: dict[str, BaseModel] = {}
    for position, entry in enumerate(raw):
        given = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(given, Mapping) or len(given) != 1:
            raise SpecError(f"prepare[{position}]: expected a step's name, or one name with its settings")
        ((name, settings),) = given.items()
        if name not in STEPS:
            hint = nearest(str(name), STEPS) or "."
            raise SpecError(f"prepare[{position}]: unknown step {name!r}{hint} Known: {', '.join(sorted(STEPS))}")
        if name in found:
            raise SpecError(f"prepare[{position}]: {name} is there twice")
        found[name] = validate(STEPS[name], settings or {}, f"prepare[{position}] {name}")
    step = found.get("smiles", Smiles())
    assert isinstance(step, Smiles)
    return step


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `prepare` list over molecules."""
    steps = [
        {
            "type": "object",
            "properties": {name: {"$ref": f"#/$defs/{model.__name__}"}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, model in STEPS.items()
    ]
    definitions = {model.__name__: model.model_json_schema() for model in STEPS.values()}
    return {"type": "array", "items": {"anyOf": [{"enum": sorted(STEPS)}, *steps]}, "$defs": definitions}
