"""What every augmentation step of volumes shares. How often it is done and whence its chance comes are those of images
(`workers.images.augment.base`)."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator

from workers.contract import Array
from workers.images.augment.base import AugmentStep

if TYPE_CHECKING:
    from torch import Tensor

Spacing = tuple[float, float, float]


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError("the smallest comes first, and is above 0")
    return bounds


Span = Annotated[tuple[float, float], AfterValidator(_ascending)]
"""The smallest and the largest."""


class ValueStep(AugmentStep):
    """One that changes values of a patch where they are."""

    def changed(self, voxels: Array, chance: np.random.Generator) -> Array:
        """The patch (channels, i, j, k) float32 after the step; what is given is not written to."""
        raise NotImplementedError(type(self).__name__)


class MovingStep(AugmentStep):
    """One that moves voxels by a matrix: those of a list become one resampling, with the cut of the patch."""

    def back(self, chance: np.random.Generator) -> Array:
        """(3, 3) float64: where a point of the result comes from, in mm along i, j and k from the middle."""
        raise NotImplementedError(type(self).__name__)


class BendingStep(AugmentStep):
    """One that moves each voxel on its own."""

    def pushed(self, size: tuple[int, int, int], spacing: Spacing, chance: np.random.Generator) -> "Tensor":
        """(i, j, k, 3) float32: how far from there a voxel of the result comes, in mm along i, j and k."""
        raise NotImplementedError(type(self).__name__)
