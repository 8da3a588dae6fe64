"""What a spec says of labels. Imports nothing heavy: the driver reads this too."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

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


class Labels(Frozen):
    """A table of what was true."""

    uri: Location = Field(description="a Parquet, CSV or TSV file, one row an id")
    key: str = Field(default="record_id", description="its column of ids, each there once")
    on: str = Field(
        default="record_id",
        description="the column of the rows that the ids are of, of the run that is evaluated or of the records that "
        "are learned from",
    )
    delimiter: Delimiter | None = Field(
        default=None, description="of CSV; default: a tab for .tsv, a comma for all else"
    )
