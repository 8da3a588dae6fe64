"""What a spec says of labels. Imports nothing heavy: the driver reads this too."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from schemas.frozen import Frozen
from schemas.location import Location
from schemas.units import Delimiter

Value = bool | int | float | str
Rows = Mapping[str, Value | tuple[Value, ...]]
"""Which rows: by column, its value or one of several."""


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
