"""All augmentation steps by name. Adding a step is its file and its line here."""

from typing import cast

from workers import prepare_list
from workers.images.augment.base import AugmentStep

AUGMENT: prepare_list.StepTable[AugmentStep] = prepare_list.StepTable(
    "images",
    {
        "blur": "workers.images.augment.blur:Blur",
        "cutout": "workers.images.augment.cutout:Cutout",
        "flip": "workers.images.augment.flip:Flip",
        "intensity": "workers.images.augment.intensity:Intensity",
        "mixup": "workers.images.augment.mixup:Mixup",
        "noise": "workers.images.augment.noise:Noise",
        "rotate": "workers.images.augment.rotate:Rotate",
        "scale": "workers.images.augment.scale:Scale",
        "shift": "workers.images.augment.shift:Shift",
    },
    AugmentStep,
    open=False,
)
"""Importing a step loads no OpenCV."""


def parse_augment(raw: object) -> tuple[AugmentStep, ...]:
    """A whole `augment` list, in order; a step may be there again. Raises SpecError (`workers.prepare_list`)."""
    found = prepare_list.parse_steps(raw, AUGMENT, in_turn=AugmentStep, key="augment")
    return tuple(cast(AugmentStep, step) for _, step in found)
