"""Arithmetic on values that several steps share: in float32, on one copy."""

import dataclasses
from collections.abc import Callable

import numpy as np

from workers.contract import Array
from workers.images.prepare.percentile import percentiles as counted
from workers.images.volumes.volume import Volume

Output = tuple[float, float]


def float_copy(voxels: Array) -> Array:
    """A copy in float32, in the order in memory of the voxels."""
    with np.errstate(over="ignore"):
        return np.array(voxels, np.float32, order="K")


def by_channel(volume: Volume, channel_wise: bool, function: Callable[[Array], None]) -> Volume:
    """`volume` in float32 after `function`, which writes to each channel or to all of them at once."""
    voxels = float_copy(volume.voxels)
    for part in voxels if channel_wise else [voxels]:
        function(part)
    return dataclasses.replace(volume, voxels=voxels)


def scale(values: Array, low: float, high: float, output: Output | None, clip: bool) -> None:
    """MONAI `ScaleIntensityRange`, in place: `low` ... `high` to `output`, or to 0 ... 1 without a limit."""
    if high == low:
        values -= np.float32(low)
        if output is not None:
            values += np.float32(output[0])
        return
    values -= np.float32(low)
    values /= np.float32(high - low)
    if output is not None:
        values *= np.float32(output[1] - output[0])
        values += np.float32(output[0])
        if clip:
            np.clip(values, *output, out=values)


def percentiles(values: Array, low: float, high: float) -> tuple[float, float]:
    """`numpy.percentile`; counted for types of 8 and 16 bit. Peak for floats: a copy."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return counted(np.ascontiguousarray(values), (low, high))
    first, second = np.percentile(values.astype(np.float32, copy=False), (low, high)).tolist()
    return float(first), float(second)
