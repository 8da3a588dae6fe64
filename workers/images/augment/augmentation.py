"""A whole list of augmentation steps on a batch."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.contract import Array
from workers.images.augment.base import AugmentStep, Border, BorderedStep, GeometricStep, PixelStep
from workers.images.augment.mixup import Mixup
from workers.images.augment.warp import together, warped
from workers.training.settings import Task

Floats = NDArray[np.float64]


class Augmentation:
    """Steps in the order in which they stand; neighbours that move pixels are one resampling.

    `classes` is how many there are where the task is `classes`. `mixes`: whether images of a batch become one.

    Raises SpecError for a step that the task has not.
    """

    def __init__(self, steps: Sequence[AugmentStep], task: Task, classes: int = 0) -> None:
        self._stages = _stages(steps)
        self.mixes = any(isinstance(step, Mixup) for step in steps)
        if self.mixes and task == "ordinal":
            raise SpecError("augment: mixup is not for ordinal targets, which have no shares: leave it out")
        self._classes = classes if task == "classes" else 0

    def __call__(
        self, batch: Sequence[Array], targets: Floats, chance: np.random.Generator
    ) -> tuple[list[Array], Floats]:
        """The images and their targets (n, columns) after all steps. With `mixup` those of classes are shares,
        (n, classes)."""
        images = list(batch)
        if self.mixes and self._classes:
            targets = _shares(targets, self._classes)
        for stage in self._stages:
            if isinstance(stage, Mixup):
                images, targets = stage.mixed(images, targets, chance)
            elif isinstance(stage, PixelStep):
                images = [stage.changed(one, chance) if stage.is_done(chance) else one for one in images]
            else:
                images = [_moved(stage, one, chance) for one in images]
        return images, targets


Stage = Mixup | PixelStep | tuple[GeometricStep, ...]


def _stages(steps: Iterable[AugmentStep]) -> list[Stage]:
    stages: list[Stage] = []
    for step in steps:
        if isinstance(step, Mixup | PixelStep):
            stages.append(step)
        elif isinstance(step, GeometricStep):
            last = stages[-1] if stages else None
            if isinstance(last, tuple) and len(_borders((*last, step))) <= 1:
                stages[-1] = (*last, step)
            else:
                stages.append((step,))
    return stages


def _borders(steps: Iterable[GeometricStep]) -> set[Border]:
    return {step.border for step in steps if isinstance(step, BorderedStep)}


def _moved(steps: Sequence[GeometricStep], pixels: Array, chance: np.random.Generator) -> Array:
    rows, columns = pixels.shape[:2]
    backs = [step.back(rows, columns, chance) for step in steps if step.is_done(chance)]
    return warped(pixels, together(backs), next(iter(_borders(steps)), "edge"))


def _shares(targets: Floats, classes: int) -> Floats:
    """(n, classes): 1 at the class of each; NaN where it is not known."""
    found: Floats = (targets == np.arange(classes)).astype(np.float64)
    found[np.isnan(targets[:, 0])] = np.nan
    return found
