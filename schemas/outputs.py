"""What a model says it writes: one typed, documented column each."""

import re
from typing import Literal, Self

import pyarrow as pa
from pydantic import model_validator

from schemas.arrow_types import parse_type
from schemas.frozen import Frozen

Total = Literal["mean", "sum"]

_OBJECT = re.compile(r"^(?P<many>list<)?object<(?P<suffix>[a-z0-9]+(?:\.[a-z0-9]+)*)>(?(many)>)$")
_FOLDER = re.compile(r"^[A-Za-z0-9_]+$")
"""Objects of a column lie in a folder of its name."""


def object_suffix(kind: str) -> str | None:
    """`png` of the column types `object<png>` and `list<object<png>>`; None of any other."""
    match = _OBJECT.match(kind)
    return match["suffix"] if match else None


def column_type(kind: str) -> pa.DataType:
    """The Arrow type of a column; that of `object<...>` is text. Raises SpecError for a type that is unknown."""
    match = _OBJECT.match(kind)
    if match is None:
        return parse_type(kind)
    return pa.list_(pa.string()) if match["many"] else pa.string()


class OutputField(Frozen):
    """One output column of a model.

    `type` is one of `schemas.arrow_types`, or `object<suffix>`: for each record the model gives the bytes of a file, or
    None, which is written beside the rows with that suffix, and the column holds its uri relative to the run directory.
    `list<object<suffix>>` are several a record.
    `over_frames` says how the values of several frames of one record become one value:
    `mean`, `max`, `sum` of numbers, `concat` of lists, `first` of anything.
    `may_be_null`: there may be no value of a record that is `ok`, such as no number where nothing could be counted.
    `total`: the manifest has the mean or the sum of the column, a number, over all rows that have one.
    """

    name: str
    type: str
    meaning: str
    may_be_nan: bool = False
    may_be_null: bool = False
    over_frames: Literal["mean", "max", "sum", "concat", "first"] = "mean"
    total: Total | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column."""
        return column_type(self.type)

    @property
    def object_suffix(self) -> str | None:
        """Suffix of the files that the model gives, where the column refers to side objects; else None."""
        return object_suffix(self.type)

    @model_validator(mode="after")
    def _objects_are_not_folded_as_numbers(self) -> Self:
        if self.object_suffix is None:
            return self
        fold = "concat" if self.type.startswith("list<") else "first"
        if self.over_frames not in ("first", fold):
            raise ValueError(f"over_frames of {self.type} must be {fold!r}")
        if not _FOLDER.match(self.name):
            raise ValueError(f"output {self.name!r} must be letters, digits and _, since its files lie in that folder")
        return self
