"""`flip`: mirrored."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.volumes.augment.base import MovingStep


class Flip(MovingStep):
    """Mirrored along each of `axes` in half of the cases. Never without being asked for: left and right are not the
    same in a body, and some structures are told by their side."""

    name: ClassVar[str] = "flip"

    axes: tuple[Literal[0, 1, 2], ...] = Field(min_length=1, description="of i (0), j (1) and k (2)")

    def back(self, chance: np.random.Generator) -> Array:
        signs = np.ones(3)
        for axis in sorted(set(self.axes)):
            signs[axis] = -1.0 if chance.random() < 0.5 else 1.0
        return np.diag(signs)
