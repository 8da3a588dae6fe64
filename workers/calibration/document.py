"""`calibration.json` of a model directory: which map each output goes through, and for which values of a column."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from cluster.storage import digest_of
from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import nearest, validate
from schemas.outputs import OutputField
from workers.calibration.class_maps import ClassCalibration
from workers.calibration.maps import Map
from workers.models.files import read_json

FILE = "calibration.json"
NUMBERS = ("float32", "float64")
"""Types of outputs that can be calibrated."""
_NOT_SCORING = (FILE, "SHA256SUMS", "model_card.md", "README.md")
"""Files of a directory that change no score."""


class OutputCalibration(Frozen):
    """How one output is calibrated."""

    map: Map = Field(description="fitted on all tuning rows")
    by: str = Field(default="", description="carried column whose values have maps of their own; empty: none")
    values: Mapping[str, Map] = Field(default_factory=dict, description="the map of each value, as text")
    unseen: Literal["pooled", "null"] = Field(
        default="pooled", description="a row of another value: `map`, or no calibrated score"
    )
    rows: int = Field(default=0, ge=0, description="tuning rows that it was fitted on")
    positives: int = Field(default=0, ge=0, description="how many of them were positive")

    @model_validator(mode="after")
    def _values_are_of_a_column(self) -> Self:
        if self.values and not self.by:
            raise ValueError("values need `by`, the column that they are of")
        return self


class Calibration(Frozen):
    """The whole file."""

    format: Literal["wardround-calibration"] = "wardround-calibration"
    format_version: Literal[1] = 1
    outputs: Mapping[str, OutputCalibration] = Field(
        default_factory=dict, description="by the name of a model's output, each by itself"
    )
    classes: tuple[ClassCalibration, ...] = Field(default=(), description="outputs that are classes, together")
    model: str = Field(default="", description="`scoring_digest` of the model it was fitted for; empty: not known")
    fingerprint: str = Field(default="", description="of the evaluation that fitted it")

    @model_validator(mode="after")
    def _calibrates_each_once(self) -> Self:
        names = self.names
        if not names:
            raise ValueError("calibrates nothing: outputs and classes are empty")
        if len(set(names)) < len(names):
            raise ValueError("an output stands there twice, among outputs and classes")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, told: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What a run was made of does not change by a key that was not there when it began.
        found: dict[str, Any] = told(self)
        return {key: value for key, value in found.items() if key != "classes" or value}

    @property
    def names(self) -> tuple[str, ...]:
        """All outputs that are calibrated."""
        return (*self.outputs, *(name for one in self.classes for name in one.outputs))

    def encode(self) -> bytes:
        """The JSON text."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False).encode()


def calibrated_name(output: str) -> str:
    """The column of an output's calibrated score."""
    return f"{output}_calibrated"


def told_name(output: str) -> str:
    """The column that tells which map a row's score went through."""
    return f"{output}_calibration"


def calibrated_fields(found: Calibration) -> tuple[OutputField, ...]:
    """The columns that come to a model's own, in the file's order."""
    fields: list[OutputField] = []
    for output, one in found.outputs.items():
        by = f" by {one.by}" if one.by else ""
        meaning = f"{output} after calibration ({one.map.method}{by})"
        fields.append(OutputField(name=calibrated_name(output), type="float32", meaning=meaning, may_be_null=True))
        if one.by:
            told = f"which map {output} went through: own (of this {one.by}), pooled, or none"
            fields.append(OutputField(name=told_name(output), type="string", meaning=told, may_be_null=True))
    for together in found.classes:
        for output in together.outputs:
            meaning = f"{output} after calibration of all classes ({together.map.method})"
            fields.append(OutputField(name=calibrated_name(output), type="float32", meaning=meaning, may_be_null=True))
    return tuple(fields)


def read_calibration(directory: Path, outputs: Sequence[OutputField], files: Mapping[str, str]) -> Calibration | None:
    """The calibration that lies in a model directory with these outputs and files (name to sha256); None without one.

    Raises SpecError for a file that is none, a map that falls, an output that is not there or no number, or a
    calibration of other weights.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    found = validate(Calibration, read_json(path), str(path))
    if found.model and found.model != scoring_digest(files):
        raise SpecError(
            f"{path}: was fitted on scores of a model with other files: take it away, or evaluate a run of this model "
            "with input.calibration and put that calibration.json here"
        )
    types = {field.name: field.type for field in outputs}
    for name in found.names:
        if name not in types:
            hint = nearest(name, types) or "."
            raise SpecError(f"{path}: the model has no output {name!r}{hint} It has {', '.join(types)}")
        if types[name] not in NUMBERS:
            raise SpecError(f"{path}: output {name!r} is of type {types[name]}: only a number can be calibrated")
    return found


def scoring_digest(files: Mapping[str, str]) -> str:
    """sha256 of a directory's files, by name, without those that change no score."""
    return digest_of({name: sha256 for name, sha256 in files.items() if name not in _NOT_SCORING})
