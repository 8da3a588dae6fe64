"""All prepare steps by name, and how a spec's list of them is read. Adding a step is its file and its line here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import models_json_schema

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Step

STEPS: Mapping[str, str] = {
    "bilateral": "workers.images.prepare.bilateral:Bilateral",
    "cast": "workers.images.prepare.cast:Cast",
    "channels": "workers.images.prepare.channels:Channels",
    "clahe": "workers.images.prepare.clahe:Clahe",
    "crop": "workers.images.prepare.crop:Crop",
    "curvature_flow": "workers.images.prepare.curvature_flow:CurvatureFlow",
    "equalise": "workers.images.prepare.equalise:Equalise",
    "gamma": "workers.images.prepare.gamma:Gamma",
    "gaussian": "workers.images.prepare.gaussian:Gaussian",
    "median": "workers.images.prepare.median:Median",
    "min_max": "workers.images.prepare.min_max:MinMax",
    "non_local_means": "workers.images.prepare.non_local_means:NonLocalMeans",
    "pad": "workers.images.prepare.pad:Pad",
    "percentile": "workers.images.prepare.percentile:Percentile",
    "rescale": "workers.images.prepare.rescale:Rescale",
    "resize": "workers.images.prepare.resize:Resize",
    "resize_limit": "workers.images.prepare.resize_limit:ResizeLimit",
    "standardise": "workers.images.prepare.standardise:Standardise",
    "to_uint8": "workers.images.prepare.to_uint8:ToUint8",
    "voi": "workers.images.prepare.voi:Voi",
    "window": "workers.images.prepare.window:Window",
    "z_score": "workers.images.prepare.z_score:ZScore",
}


@functools.cache
def step_class(name: str) -> type[PrepareStep]:
    """The settings model of a step. Importing it loads neither OpenCV nor SimpleITK. Raises KeyError."""
    module, _, attribute = STEPS[name].partition(":")
    found: type[PrepareStep] = getattr(importlib.import_module(module), attribute)
    return found


def parse_steps(raw: Sequence[Any]) -> tuple[Step, ...]:
    """A spec's `prepare` list as steps: each entry is a name, or a mapping of one name to its settings.

    Raises SpecError that names the entry, the step, the key, and the nearest known name.
    """
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise SpecError(f"prepare: expected a list of steps, found {type(raw).__name__}")
    return tuple(_parse(entry, f"prepare[{position}]") for position, entry in enumerate(raw))


def to_spec(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps of `parse_steps` as a spec has them, every setting written out: plain JSON, read back to equal steps."""
    return [{step.name: step.model_dump(mode="json")} for step in steps if isinstance(step, PrepareStep)]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `prepare` list."""
    classes = {name: step_class(name) for name in STEPS}
    places, document = models_json_schema(
        [(model, "validation") for model in classes.values()], ref_template="#/$defs/{model}"
    )
    steps = [_step_schema(name, model, places[model, "validation"]) for name, model in classes.items()]
    bare = {"enum": [name for name, model in classes.items() if _has_only_defaults(model)]}
    return {"type": "array", "items": {"anyOf": [bare, *steps]}, "$defs": document["$defs"]}


def _parse(entry: Any, where: str) -> Step:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise SpecError(f"{where}: expected a step's name, or one name with its settings, such as 'clahe: {{}}'")
    ((name, settings),) = entry.items()
    if name not in STEPS:
        raise SpecError(f"{where}: unknown step {name!r}{nearest(str(name), STEPS) or '.'} Known: {', '.join(STEPS)}")
    return validate(step_class(name), {} if settings is None else settings, f"{where} {name}")


def _step_schema(name: str, model: type[PrepareStep], schema: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"anyOf": [schema, {"type": "null"}]} if _has_only_defaults(model) else schema
    return {"type": "object", "properties": {name: settings}, "required": [name], "additionalProperties": False}


def _has_only_defaults(model: type[PrepareStep]) -> bool:
    try:
        model()
    except ValidationError:
        return False
    return True
