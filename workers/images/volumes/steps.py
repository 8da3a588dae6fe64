"""All prepare steps of volumes by name. Adding a step is its file and its line here."""

from typing import cast

from workers import prepare_list
from workers.images.volumes.prepare.base import VolumeStep

STEPS: prepare_list.StepTable[VolumeStep] = prepare_list.StepTable(
    "volumes",
    {
        "channels": "workers.images.volumes.prepare.channels:Channels",
        "clip": "workers.images.volumes.prepare.clip:Clip",
        "crop": "workers.images.volumes.prepare.crop:Crop",
        "crop_body": "workers.images.volumes.prepare.crop_body:CropBody",
        "crop_foreground": "workers.images.volumes.prepare.crop_foreground:CropForeground",
        "n4": "workers.images.volumes.prepare.n4:N4",
        "nnunet_normalise": "workers.images.volumes.prepare.nnunet_normalise:NnunetNormalise",
        "orient": "workers.images.volumes.prepare.orient:Orient",
        "pad": "workers.images.volumes.prepare.pad:Pad",
        "percentile": "workers.images.volumes.prepare.percentile:Percentile",
        "resample": "workers.images.volumes.prepare.resample:Resample",
        "resize": "workers.images.volumes.prepare.resize:Resize",
        "scale_range": "workers.images.volumes.prepare.scale_range:ScaleRange",
        "z_score": "workers.images.volumes.prepare.z_score:ZScore",
    },
    VolumeStep,
    open=True,
)
"""Importing a step loads neither torch nor SimpleITK."""


def parse_steps(raw: object) -> tuple[VolumeStep, ...]:
    """A whole `prepare` list, in order; a step may be there again. Raises SpecError (`workers.prepare_list`)."""
    return tuple(cast(VolumeStep, step) for _, step in prepare_list.parse_steps(raw, STEPS, in_turn=VolumeStep))
