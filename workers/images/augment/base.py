"""What every augmentation step shares: frozen settings, how often it is done, and the only source of its chance."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from schemas.frozen import Frozen
from workers.contract import Array

Border = Literal["edge", "reflect", "lowest"]


class AugmentStep(Frozen):
    """Settings of one step.

    Images are (rows, columns) or (rows, columns, channels) as the prepare steps leave them: uint8, int8, uint16, int16
    or float32, finite. A step keeps shape and dtype, never writes to what it is given, and takes all of its chance
    from the generator that it is handed.
    """

    name: ClassVar[str]

    probability: float = Field(default=1.0, gt=0, le=1, description="how often it is done")

    def is_done(self, chance: np.random.Generator) -> bool:
        """Whether this time."""
        return bool(chance.random() < self.probability)


class PixelStep(AugmentStep):
    """One that changes values of an image where they are."""

    def changed(self, pixels: Array, chance: np.random.Generator) -> Array:
        """The image after the step."""
        raise NotImplementedError(type(self).__name__)


class GeometricStep(AugmentStep):
    """One that moves pixels: neighbours in the list become one resampling (`workers.images.augment.warp`)."""

    def back(self, rows: int, columns: int, chance: np.random.Generator) -> Array:
        """(3, 3) float64: where a pixel of the result comes from, (column, row, 1) from the middle of the image."""
        raise NotImplementedError(type(self).__name__)


class BorderedStep(GeometricStep):
    """One that lets in what lies beyond the border."""

    border: Border = Field(
        default="edge",
        description="what comes in from beyond the border: the nearest pixel, the image reflected, or its lowest value",
    )


def between(chance: np.random.Generator, most: float) -> float:
    """A factor from 1/most to most: as often above 1 as below."""
    return math.exp(chance.uniform(-1, 1) * math.log(most))
