"""`scale`: larger or smaller."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import between
from workers.images.volumes.augment.base import MovingStep


class Scale(MovingStep):
    """By one factor for all axes, as often larger as smaller."""

    name: ClassVar[str] = "scale"

    probability: float = Field(default=0.2, gt=0, le=1, description="how often it is done")
    factor: float = Field(default=1.4, gt=1, le=4, description="how many times larger at most, or smaller")

    def back(self, chance: np.random.Generator) -> Array:
        found: Array = np.eye(3) / between(chance, self.factor)
        return found
