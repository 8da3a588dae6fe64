"""A whole list of prepare steps on one volume."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from workers.contract import Array
from workers.images.volumes.prepare.base import VolumeStep, checked, finite, rejected
from workers.images.volumes.volume import Volume

_NARROW = frozenset(np.dtype(name) for name in ("uint8", "int8", "uint16", "int16", "float32"))


def prepared(steps: Sequence[VolumeStep], volume: Volume, device: str = "cpu") -> Volume:
    """The steps on one volume; its voxels are C-contiguous then, and have a way back in `back`.

    uint8, int8, uint16, int16 and float32 stay, all else becomes float32. What is heavy is computed on `device`, a
    device of torch; the result is on the host. Raises RecordError (out_of_contract) where a step does, for a volume
    that is empty or lies nowhere, and for a result with NaN or an infinity.
    """
    checked(volume, steps[0].name if steps else "none")
    for step in steps:
        volume = step(volume, device)
    voxels = _narrowed(volume.voxels)
    if not finite(voxels):
        raise rejected(steps[-1].name if steps else "none", "the prepared volume has NaN or infinite values")
    return dataclasses.replace(volume, voxels=np.ascontiguousarray(voxels))


def _narrowed(voxels: Array) -> Array:
    if voxels.dtype == np.bool_:
        return voxels.view(np.uint8)
    if voxels.dtype in _NARROW:
        return voxels
    with np.errstate(over="ignore"):
        return voxels.astype(np.float32)
