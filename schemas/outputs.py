"""What a model says it writes: one typed, documented column each."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from schemas.arrow_types import parse_type

Total = Literal["mean", "sum"]


class OutputField(BaseModel):
    """One output column of a model.

    `over_frames` says how the values of several frames of one record become one value:
    `mean`, `max`, `sum` of numbers, `concat` of lists, `first` of anything.
    `total`: the manifest has the mean or the sum of the column, a number, over all rows that have one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str
    meaning: str
    may_be_nan: bool = False
    over_frames: Literal["mean", "max", "sum", "concat", "first"] = "mean"
    total: Total | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column."""
        return parse_type(self.type)
