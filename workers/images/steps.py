"""All prepare steps of images by name. Adding a step is its file and its line here."""

from typing import cast

from workers import prepare_list
from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Step

STEPS: prepare_list.StepTable[PrepareStep] = prepare_list.StepTable(
    "images",
    {
        "bilateral": "workers.images.prepare.bilateral:Bilateral",
        "cast": "workers.images.prepare.cast:Cast",
        "channels": "workers.images.prepare.channels:Channels",
        "clahe": "workers.images.prepare.clahe:Clahe",
        "crop": "workers.images.prepare.crop:Crop",
        "curvature_flow": "workers.images.prepare.curvature_flow:CurvatureFlow",
        "equalise": "workers.images.prepare.equalise:Equalise",
        "gamma": "workers.images.prepare.gamma:Gamma",
        "gaussian": "workers.images.prepare.gaussian:Gaussian",
        "median": "workers.images.prepare.median:Median",
        "min_max": "workers.images.prepare.min_max:MinMax",
        "model": "workers.images.prepare.model_steps:ModelSteps",
        "non_local_means": "workers.images.prepare.non_local_means:NonLocalMeans",
        "pad": "workers.images.prepare.pad:Pad",
        "percentile": "workers.images.prepare.percentile:Percentile",
        "rescale": "workers.images.prepare.rescale:Rescale",
        "resize": "workers.images.prepare.resize:Resize",
        "resize_limit": "workers.images.prepare.resize_limit:ResizeLimit",
        "standardise": "workers.images.prepare.standardise:Standardise",
        "to_uint8": "workers.images.prepare.to_uint8:ToUint8",
        "value_range": "workers.images.prepare.value_range:ValueRange",
        "voi": "workers.images.prepare.voi:Voi",
        "window": "workers.images.prepare.window:Window",
        "z_score": "workers.images.prepare.z_score:ZScore",
    },
    PrepareStep,
    open=True,
)
"""Importing a step loads neither OpenCV nor SimpleITK."""


def parse_steps(raw: object) -> tuple[Step, ...]:
    """A whole `prepare` list, in order; a step may be there again. Raises SpecError (`workers.prepare_list`)."""
    return tuple(cast(Step, step) for _, step in prepare_list.parse_steps(raw, STEPS, in_turn=PrepareStep))
