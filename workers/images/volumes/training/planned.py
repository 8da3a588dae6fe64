"""A network for such volumes: what follows from shapes and spacing unless a spec says it. Imports no torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.errors import SpecError
from workers.images.volumes.augment.base import Spacing
from workers.images.volumes.training.settings import Patches
from workers.images.volumes.training.shown import ShownVolume
from workers.images.volumes.training.topology import Topology, topology_of
from workers.images.volumes.volume import Shape3

_WIDTH, _WIDEST = 32, 320
"""Channels of the first stage, and the most of any, as nnU-Net."""
_STEPS = 5


@dataclass(frozen=True)
class Fingerprint:
    """What the volumes that are learned from are like."""

    spacing: Spacing
    shape: tuple[float, float, float]

    @classmethod
    def of(cls, volumes: Sequence[ShownVolume]) -> "Fingerprint":
        """Medians, axis by axis."""
        spacing = np.median([volume.spacing for volume in volumes], axis=0)
        shape = np.median([volume.sides for volume in volumes], axis=0)
        return cls(_three(spacing), _three(shape))

    @property
    def said(self) -> str:
        """In words."""
        spacing = " x ".join(f"{step:.4g}" for step in self.spacing)
        return f"median volume of {' x '.join(f'{side:g}' for side in self.shape)} voxels, {spacing} mm"


def planned(
    name: str, chosen: Mapping[str, Any], patches: Patches, fingerprint: Fingerprint
) -> tuple[Shape3, Mapping[str, Any]]:
    """The patch, and the settings of the network with what is planned where nothing is chosen.

    Raises SpecError for a patch whose sides the strides do not divide.
    """
    steps = len(chosen["channels"]) - 1 if "channels" in chosen else _STEPS
    found = topology_of(fingerprint.spacing, fingerprint.shape, patches.voxels, steps)
    plan = _PLANS.get(name, lambda topology, settings: {})(found, chosen)
    settings = {**plan, **chosen}
    divisors = _divisors(settings.get("strides", ()))
    if patches.size is None:
        whole = [math.ceil(side / one) * one for side, one in zip(found.patch, divisors, strict=True)]
        return (whole[0], whole[1], whole[2]), settings
    uneven = [axis for axis in range(3) if patches.size[axis] % divisors[axis]]
    if uneven:
        raise SpecError(
            f"input.patches.size: {_by(patches.size)} voxels: the network shrinks a patch by {_by(divisors)}, and its "
            "sides have to be multiples of that"
        )
    return patches.size, settings


def _res_unet(topology: Topology, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    strides = [list(stride) for stride in topology.strides]
    if "channels" in chosen:
        # More stages than such volumes can be halved.
        strides += [[1, 1, 1]] * (len(chosen["channels"]) - 1 - len(strides))
    return {"channels": _widths(topology, chosen), "strides": strides}


def _unet(topology: Topology, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_res_unet(topology, chosen), "num_res_units": 2, "norm": "instance"}


def _dynunet(topology: Topology, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    strides = [list(stride) for stride in topology.strides]
    kernels = [list(kernel) for kernel in topology.kernels]
    # MONAI's has three stages at least.
    strides += [[1, 1, 1]] * (2 - len(strides))
    return {
        "kernel_size": kernels + kernels[-1:] * (len(strides) + 1 - len(kernels)),
        "strides": [[1, 1, 1], *strides],
        "upsample_kernel_size": strides,
    }


_PLANS = {"res_unet": _res_unet, "monai.UNet": _unet, "monai.DynUNet": _dynunet}
"""Networks whose steps are planned; of others a spec says all that they have no default for."""


def _widths(topology: Topology, chosen: Mapping[str, Any]) -> list[int]:
    stages = 1 + len(chosen.get("strides", topology.strides))
    return [min(_WIDTH * 2**stage, _WIDEST) for stage in range(stages)]


def _divisors(strides: Sequence[Any]) -> Shape3:
    """How much a network with these strides shrinks each axis."""
    found = [1, 1, 1]
    for stride in strides:
        for axis in range(3):
            found[axis] *= int(stride[axis] if isinstance(stride, Sequence) else stride)
    return found[0], found[1], found[2]


def _by(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides))


def _three(values: Any) -> tuple[float, float, float]:
    one, other, last = (float(value) for value in values)
    return one, other, last
