"""The prepare list of a training whose spec has none."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.errors import SpecError
from workers.images.volumes.training.settings import VolumeKeys


def planned_steps(source: VolumeKeys, spacings: Sequence[Sequence[float]]) -> tuple[Any, ...]:
    """Turned to RAS, resampled, and normalised. `spacings` are those of all volumes, to the right, to the front
    and up.

    Raises SpecError where the median is asked for and there is no volume.
    """
    steps: list[Any] = [{"orient": {"axes": "RAS"}}]
    if source.spacing == "median":
        if not spacings:
            raise SpecError("input.uri: not one volume can be read there, so that no spacing can be planned")
        steps.append({"resample": {"spacing": [round(float(one), 6) for one in np.median(spacings, axis=0)]}})
    elif source.spacing != "as_read":
        steps.append({"resample": {"spacing": list(source.spacing)}})
    return (*steps, source.normalise)
