"""`rotate`: turned about the middle."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.augment.base import BorderedStep


class Rotate(BorderedStep):
    """Turned by an angle, uniform to both sides, in pixels as if rows and columns had one spacing."""

    name: ClassVar[str] = "rotate"

    degrees: float = Field(default=15.0, gt=0, le=180, description="the widest angle, to both sides")

    def back(self, rows: int, columns: int, chance: np.random.Generator) -> Array:
        return turned(chance.uniform(-self.degrees, self.degrees))


def turned(degrees: float) -> Array:
    """The way back from an image that is turned counter-clockwise."""
    angle = math.radians(degrees)
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
