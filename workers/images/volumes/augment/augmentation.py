"""A whole list of augmentation steps on one patch. Imports torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.contract import Array
from workers.images.augment.base import AugmentStep
from workers.images.volumes.augment.base import BendingStep, MovingStep, Spacing, ValueStep
from workers.images.volumes.augment.warp import places, sampled
from workers.images.volumes.volume import Shape3

_MARGIN = 2
"""Voxels around what is sampled, for neighbours."""


@dataclass(frozen=True)
class Patch:
    """Which part of a volume is shown: `size` voxels around `middle`, in voxels of the volume."""

    middle: tuple[float, float, float]
    size: Shape3


class Augmentation:
    """Those that move voxels are one resampling with the cut of the patch, wherever they stand; the others follow in
    the order of the list."""

    def __init__(self, steps: Sequence[AugmentStep]) -> None:
        self._moving = [step for step in steps if isinstance(step, MovingStep)]
        self._bending = [step for step in steps if isinstance(step, BendingStep)]
        self._values = [step for step in steps if isinstance(step, ValueStep)]

    def __call__(
        self, voxels: Array, classes: Array, patch: Patch, spacing: Spacing, chance: np.random.Generator
    ) -> tuple[Array, Array]:
        """The patch (channels, i, j, k) float32 and its classes (i, j, k) int64."""
        back = np.eye(3)
        for step in self._moving:
            if step.is_done(chance):
                back = back @ step.back(chance)
        bends = [step.pushed(patch.size, spacing, chance) for step in self._bending if step.is_done(chance)]
        if bends or not np.array_equal(back, np.eye(3)):
            at = places(patch.middle, patch.size, back, spacing)
            for bend in bends:
                at = at + bend / bend.new_tensor(spacing)
            box, at = _box(at.reshape(-1, 3).numpy(), voxels.shape[1:]), at
            at = at - at.new_tensor([side.start for side in box])
            shown = sampled(voxels[(slice(None), *box)], at)
            truth = sampled(classes[box][None], at, is_nearest=True)[0].astype(np.int64)
        else:
            shown, truth = cut(voxels, patch).astype(np.float32), cut(classes[None], patch)[0].astype(np.int64)
        for value in self._values:
            if value.is_done(chance):
                shown = value.changed(shown, chance)
        return shown, truth


def cut(voxels: Array, patch: Patch) -> Array:
    """The patch as it is, 0 outside of the volume; its middle is rounded to whole voxels."""
    starts = [int(np.floor(at - (side - 1) / 2 + 0.5)) for at, side in zip(patch.middle, patch.size, strict=True)]
    found = np.zeros((len(voxels), *patch.size), voxels.dtype)
    inside, outside = [], []
    for start, side, there in zip(starts, patch.size, voxels.shape[1:], strict=True):
        low, high = max(start, 0), min(start + side, there)
        outside.append(slice(low, max(high, low)))
        inside.append(slice(low - start, max(high, low) - start))
    found[(slice(None), *inside)] = voxels[(slice(None), *outside)]
    return found


def _box(at: Array, sides: Sequence[int]) -> tuple[slice, ...]:
    """What has to be read of the volume for these places: it may be larger than memory."""
    low, high = np.floor(at.min(0)).astype(int) - _MARGIN, np.ceil(at.max(0)).astype(int) + _MARGIN + 1
    return tuple(
        slice(min(max(one, 0), side - 1), max(min(other, side), min(max(one, 0), side - 1) + 1))
        for one, other, side in zip(low.tolist(), high.tolist(), sides, strict=True)
    )
