"""`rotate`: turned about the middle."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import MovingStep


class Rotate(MovingStep):
    """Turned about each axis by an angle of its own, uniform to both sides; in millimetres, so that a sphere stays one.

    The turn about i comes first, then that about j, then that about k.
    """

    name: ClassVar[str] = "rotate"

    probability: float = Field(default=0.2, gt=0, le=1, description="how often it is done")
    degrees: tuple[float, float, float] = Field(
        default=(30.0, 30.0, 30.0), description="the widest angle about i, j and k, to both sides; 0: not about it"
    )

    def back(self, chance: np.random.Generator) -> Array:
        return turned([chance.uniform(-1, 1) * most for most in self.degrees])


def turned(degrees: list[float]) -> Array:
    """(3, 3): from the turned volume back, by the angles about i, j and k."""
    found = np.eye(3)
    for axis, angle in enumerate(degrees):
        sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = cosine
        turn[one, other], turn[other, one] = -sine, sine
        found = turn @ found
    return found.T
