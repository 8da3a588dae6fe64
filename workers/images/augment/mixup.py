"""`mixup`: two images and what is true of them, mixed (Zhang et al. 2018)."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.errors import SpecError
from workers.contract import Array
from workers.images.augment.base import AugmentStep
from workers.images.augment.values import as_type

Floats = NDArray[np.float64]


class Mixup(AugmentStep):
    """Each image with a share of another one of its batch, the targets in the same shares.

    The share is drawn from Beta(alpha, alpha): near 0 or 1 where alpha is small. A target that is missing in one of
    both is missing in the mix.
    """

    name: ClassVar[str] = "mixup"

    alpha: float = Field(default=0.2, gt=0, le=100, description="of the Beta distribution of shares: higher mixes more")

    def mixed(self, batch: Sequence[Array], targets: Floats, chance: np.random.Generator) -> tuple[list[Array], Floats]:
        """The batch and its (n, columns) targets after the step. Raises SpecError for images of several shapes."""
        if len({(pixels.shape, pixels.dtype) for pixels in batch}) > 1:
            raise SpecError("mixup: images of several shapes cannot be mixed: put `resize` and `channels` into prepare")
        others = chance.permutation(len(batch))
        shares = np.array([self._share(chance) for _ in batch])
        images = [_mix(one, batch[other], share) for one, other, share in zip(batch, others, shares, strict=True)]
        # A share of nothing is nothing, where NaN times 0 would be NaN.
        mix = np.where(
            shares[:, None] == 1, targets, shares[:, None] * targets + (1 - shares[:, None]) * targets[others]
        )
        return images, mix

    def _share(self, chance: np.random.Generator) -> float:
        is_done = self.is_done(chance)
        share = float(chance.beta(self.alpha, self.alpha))
        return share if is_done else 1.0


def _mix(one: Array, other: Array, share: float) -> Array:
    if share == 1:
        return one
    return as_type(np.float32(share) * one.astype(np.float32) + np.float32(1 - share) * other, one.dtype)
