"""Cropping and padding, which each have a way back."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.pixels import fits
from workers.images.volumes.prepare.base import VolumeStep, moved, shifted
from workers.images.volumes.volume import Shape3, Volume

Side = Annotated[int, Field(ge=0, le=2**15)]
Sides3 = tuple[Side, Side, Side]
"""Along i, j and k."""

Mode = Literal["constant", "edge", "reflect"]


def cropped(step: VolumeStep, volume: Volume, start: Sequence[int], end: Sequence[int]) -> Volume:
    """The voxels from index `start` to before `end`, as a view; both lie inside."""
    if all(first == 0 for first in start) and tuple(end) == tuple(volume.grid.shape):
        return volume
    if any(last <= first for first, last in zip(start, end, strict=True)):
        raise step.reject("nothing of the volume would be left")
    voxels = volume.voxels[(slice(None), *(slice(first, last) for first, last in zip(start, end, strict=True)))]
    affine = shifted(volume.grid.affine, tuple(start))
    return moved(volume, "crop", voxels, affine, start=tuple(int(first) for first in start))


def padded(
    step: VolumeStep, volume: Volume, before: Sequence[int], after: Sequence[int], mode: Mode, value: float
) -> Volume:
    """`before` and `after` voxels more at the ends of each axis; the type stays, and must hold `value`."""
    widths = list(zip(before, after, strict=True))
    if not any(first or last for first, last in widths):
        return volume
    i, j, k = (side + sum(width) for side, width in zip(volume.grid.shape, widths, strict=True))
    step.require_size(len(volume.voxels), (i, j, k))
    affine = shifted(volume.grid.affine, tuple(-first for first in before))
    voxels = _extended(step, volume.voxels, widths, mode, value)
    return moved(volume, "pad", voxels, affine, start=tuple(int(first) for first in before))


def _extended(step: VolumeStep, voxels: Array, widths: list[tuple[int, int]], mode: Mode, value: float) -> Array:
    if mode != "constant":
        sides = voxels.shape[1:]
        if mode == "reflect" and any(max(width) >= side for width, side in zip(widths, sides, strict=True)):
            raise step.reject("mode reflect needs a volume larger than what is added at each end: take `mode: edge`")
        return np.pad(voxels, [(0, 0), *widths], mode=mode)
    if not fits(value, voxels.dtype):
        raise step.reject(f"voxels of {voxels.dtype} cannot hold the value {value:g}")
    return np.pad(voxels, [(0, 0), *widths], constant_values=value)


def halves(sides: Shape3, wanted: Sequence[int], at: Literal["symmetric", "end"]) -> tuple[list[int], list[int]]:
    """How much is added before and after, of which an odd rest goes behind."""
    more = [max(new - old, 0) for new, old in zip(wanted, sides, strict=True)]
    before = [width // 2 if at == "symmetric" else 0 for width in more]
    return before, [width - first for width, first in zip(more, before, strict=True)]
