"""`flip`: the mirror image."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import GeometricStep


class Flip(GeometricStep):
    """Left and right change places (`horizontal`), or top and bottom (`vertical`); exact, nothing comes in."""

    name: ClassVar[str] = "flip"

    probability: float = Field(default=0.5, gt=0, le=1, description="how often it is done")
    axis: Literal["horizontal", "vertical"] = Field(
        default="horizontal", description="what changes places: left and right, or top and bottom"
    )

    def back(self, rows: int, columns: int, chance: np.random.Generator) -> Array:
        return np.diag((-1.0, 1.0, 1.0) if self.axis == "horizontal" else (1.0, -1.0, 1.0))
