"""`elastic`: bent."""

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from workers.images.volumes.augment.base import BendingStep, Spacing

if TYPE_CHECKING:
    from torch import Tensor


class Elastic(BendingStep):
    """Points `grid_mm` apart move by independent Gaussian distances along each axis, and what lies between them by
    their trilinear mean (after Simard et al. 2003)."""

    name: ClassVar[str] = "elastic"

    probability: float = Field(default=0.2, gt=0, le=1, description="how often it is done")
    grid_mm: float = Field(default=16.0, gt=0, description="millimetres between the points that move")
    std_mm: float = Field(default=1.5, gt=0, description="the largest standard deviation of how far they move")

    def pushed(self, size: tuple[int, int, int], spacing: Spacing, chance: np.random.Generator) -> "Tensor":
        import torch  # noqa: PLC0415 - a list of steps is checked without it

        points = tuple(
            2 + math.ceil((side - 1) * step / self.grid_mm) for side, step in zip(size, spacing, strict=True)
        )
        strength = chance.uniform(0, self.std_mm)
        coarse = torch.from_numpy(chance.standard_normal((3, *points), dtype=np.float32) * np.float32(strength))
        fine = torch.nn.functional.interpolate(coarse[None], size, mode="trilinear", align_corners=True)
        return fine[0].movedim(0, -1)
