"""`scale`: zoomed about the middle."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.augment.base import BorderedStep, between


class Scale(BorderedStep):
    """Made larger or smaller about its middle, the frame as it was; with `stretch` rows and columns differ.

    Factors are drawn so that twice as large is as likely as half as large. `stretch` is what one axis grows against
    the other.
    """

    name: ClassVar[str] = "scale"

    factor: float = Field(default=1.2, ge=1, le=10, description="how many times larger at most, or smaller")
    stretch: float = Field(default=1.0, ge=1, le=10, description="how much longer one axis gets than the other at most")

    @model_validator(mode="after")
    def _scales(self) -> Self:
        if self.factor == 1 and self.stretch == 1:
            raise ValueError("factor and stretch are 1: nothing would change; leave the step out")
        return self

    def back(self, rows: int, columns: int, chance: np.random.Generator) -> Array:
        factor, stretch = between(chance, self.factor), between(chance, self.stretch) ** 0.5
        return scaled(factor * stretch, factor / stretch)


def scaled(down: float, right: float) -> Array:
    """The way back from an image whose height and width became so many times larger."""
    return np.diag((1 / right, 1 / down, 1.0))
