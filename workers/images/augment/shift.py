"""`shift`: moved along rows and columns."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.augment.base import BorderedStep


class Shift(BorderedStep):
    """Moved by shares of its sides, uniform to both sides, parts of pixels too."""

    name: ClassVar[str] = "shift"

    rows: float = Field(default=0.1, ge=0, lt=1, description="the farthest up or down, as a share of the height")
    columns: float = Field(default=0.1, ge=0, lt=1, description="the farthest left or right, as a share of the width")

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.rows == 0 and self.columns == 0:
            raise ValueError("rows and columns are 0: nothing would move; leave the step out")
        return self

    def back(self, rows: int, columns: int, chance: np.random.Generator) -> Array:
        down, right = chance.uniform(-1, 1, 2) * (self.rows * rows, self.columns * columns)
        return shifted(float(down), float(right))


def shifted(down: float, right: float) -> Array:
    """The way back from an image that was moved by so many pixels."""
    return np.array([[1.0, 0.0, -right], [0.0, 1.0, -down], [0.0, 0.0, 1.0]])
