"""All augmentation steps of volumes by name. Adding a step is its file and its line here."""

from typing import cast

from workers import prepare_list
from workers.images.augment.base import AugmentStep

AUGMENT: prepare_list.StepTable[AugmentStep] = prepare_list.StepTable(
    "volumes",
    {
        "blur": "workers.images.volumes.augment.blur:Blur",
        "brightness": "workers.images.volumes.augment.brightness:Brightness",
        "contrast": "workers.images.volumes.augment.contrast:Contrast",
        "elastic": "workers.images.volumes.augment.elastic:Elastic",
        "flip": "workers.images.volumes.augment.flip:Flip",
        "gamma": "workers.images.volumes.augment.gamma:Gamma",
        "low_resolution": "workers.images.volumes.augment.low_resolution:LowResolution",
        "noise": "workers.images.volumes.augment.noise:Noise",
        "rotate": "workers.images.volumes.augment.rotate:Rotate",
        "scale": "workers.images.volumes.augment.scale:Scale",
    },
    AugmentStep,
    open=False,
)

USUAL = ("rotate", "scale", "noise", "blur", "brightness", "contrast", "low_resolution", "gamma")
"""Those of nnU-Net (Isensee et al. 2021) in its order, but for its mirroring: what a network learns with unless a spec
says otherwise."""


def parse_augment(raw: object) -> tuple[AugmentStep, ...]:
    """A whole `augment` list, in order; a step may be there again. Raises SpecError (`workers.prepare_list`)."""
    found = prepare_list.parse_steps(raw, AUGMENT, in_turn=AugmentStep, key="augment")
    return tuple(cast(AugmentStep, step) for _, step in found)
