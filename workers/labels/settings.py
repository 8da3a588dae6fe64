"""What a spec says of labels. Imports nothing heavy: the driver reads this too."""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter

Value = bool | int | float | str
Values = Value | tuple[Value, ...]
"""One of them, or any of several."""
Rows = Mapping[str, Values]
"""Which rows: by column, its value or one of several."""


def several(values: Values | None) -> tuple[Value, ...]:
    """A tuple of them, whether it is one, several or none."""
    if values is None:
        return ()
    return (values,) if isinstance(values, bool | int | float | str) else tuple(values)


def refuse_both_sides(positive: Values, negative: Values | None) -> None:
    """Raises ValueError for values that are said to be positive and negative."""
    both = {str(value) for value in several(positive)} & {str(value) for value in several(negative)}
    if both:
        raise ValueError(f"{sorted(both)[0]} is said to be positive and negative: take it out of one of them")
    if not several(positive):
        raise ValueError("positive must not be empty")


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A word that columns may be named after."""


LabelValue = Annotated[int, Field(ge=1, le=65_535)]
LabelValues = LabelValue | Annotated[tuple[LabelValue, ...], Field(min_length=1)]
"""What stands for a structure in a label map."""


def label_values(values: LabelValues) -> tuple[int, ...]:
    """All of them."""
    return (values,) if isinstance(values, int) else values


_PLACES = re.compile(r"\{(?:id|stem)\}")


class Labels(Frozen):
    """A table of what was true, or a folder of objects that say it, such as label maps: then a table of these, with
    columns `key` and `uri`."""

    uri: Location = Field(description="a Parquet, CSV or TSV file, one row an id; with `pattern` a folder")
    pattern: str = Field(
        default="",
        description="how the object of a label is called below the folder `uri`: {id} stands for the id of its record, "
        "{stem} for the id without its ending, such as {stem}_seg.nii.gz",
    )
    key: str = Field(default="record_id", description="its column of ids, each there once")
    on: str = Field(
        default="record_id",
        description="the column of the rows that the ids are of, of the run that is evaluated or of the records that "
        "are learned from",
    )
    delimiter: Delimiter | None = Field(
        default=None, description="of CSV; default: a tab for .tsv, a comma for all else"
    )

    @field_validator("pattern")
    @classmethod
    def _has_one_place(cls, pattern: str) -> str:
        if pattern and len(_PLACES.findall(pattern)) != 1:
            raise ValueError("pattern needs {id} or {stem}, once: where the id of a record stands")
        return pattern

    @model_validator(mode="after")
    def _is_table_or_folder(self) -> Self:
        if self.pattern and self.delimiter is not None:
            raise ValueError("delimiter is of a table, and pattern of a folder: leave one of them out")
        return self
