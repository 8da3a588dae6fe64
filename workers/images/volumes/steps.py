"""All prepare steps of volumes by name. Adding a step is its file and its line here."""

from typing import cast

from workers import prepare_list
from workers.images.volumes.prepare.base import VolumeStep

STEPS: prepare_list.StepTable[VolumeStep] = prepare_list.StepTable(
    "volumes",
    {
        "orient": "workers.images.volumes.prepare.orient:Orient",
        "resample": "workers.images.volumes.prepare.resample:Resample",
    },
    VolumeStep,
    open=True,
)
"""Importing a step loads neither torch nor SimpleITK."""


def parse_steps(raw: object) -> tuple[VolumeStep, ...]:
    """A whole `prepare` list, in order; a step may be there again. Raises SpecError (`workers.prepare_list`)."""
    return tuple(cast(VolumeStep, step) for _, step in prepare_list.parse_steps(raw, STEPS, in_turn=VolumeStep))
