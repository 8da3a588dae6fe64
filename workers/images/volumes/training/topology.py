"""Where a network shrinks a volume, and how large a patch it is shown: from spacing and shape, as nnU-Net decides it
(Isensee et al., Nature Methods 2021; its `get_pool_and_conv_props`). Imports no torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workers.images.volumes.augment.base import Spacing
from workers.images.volumes.volume import Shape3

_LEAST = 4
"""Voxels of a side after the last step."""
_ALIKE = 2.0
"""Spacings that differ by less are taken for one."""
_START = 256
"""Voxels of a side of the first patch at a spacing of the mean."""


@dataclass(frozen=True)
class Topology:
    """`strides` has an entry a stage after the first: how far i, j and k shrink. `kernels` has one a stage. `patch` is
    divisible by all strides of an axis together."""

    patch: Shape3
    strides: tuple[Shape3, ...]
    kernels: tuple[Shape3, ...]


def topology_of(spacing: Spacing, shape: Sequence[float], budget: int, most_steps: int = 5) -> Topology:
    """For volumes of this spacing and median shape: the patch has their proportions in millimetres, is no larger than
    they, and has no more than `budget` voxels."""
    mean = math.prod(spacing) ** (1 / 3)
    patch = [
        max(1, min(math.ceil(_START * mean / step), math.ceil(side))) for step, side in zip(spacing, shape, strict=True)
    ]
    found = shrinking(spacing, patch, most_steps)
    while math.prod(found.patch) > budget and max(found.patch) > 1:
        # The axis that is nearest to the whole volume gives way.
        axis = max(range(3), key=lambda at: (found.patch[at] / shape[at], found.patch[at]))
        patch = list(found.patch)
        patch[axis] -= _divisor(found, axis)
        if patch[axis] < 1:
            break
        found = shrinking(spacing, patch, most_steps)
    return found


def shrinking(spacing: Spacing, patch: Sequence[int], most_steps: int = 5) -> Topology:
    """The steps of a patch of about this size, which is made divisible by them: an axis is halved while it is long
    enough, once finer axes have come to its spacing."""
    now, sides = list(spacing), list(patch)
    counts, strides, kernels = [0, 0, 0], [], [_kernel(now, [1, 1, 1])]
    while True:
        axes = [axis for axis in range(3) if sides[axis] >= 2 * _LEAST]
        finest = min((now[axis] for axis in axes), default=0.0)
        axes = [axis for axis in axes if now[axis] / finest < _ALIKE and counts[axis] < most_steps]
        if not axes or (len(axes) == 1 and sides[axes[0]] < 3 * _LEAST):
            break
        for axis in axes:
            counts[axis] += 1
            now[axis] *= 2
            sides[axis] = math.ceil(sides[axis] / 2)
        strides.append(_three([2 if axis in axes else 1 for axis in range(3)]))
        kernels.append(_kernel(now, kernels[-1]))
    whole = [math.ceil(side / 2**count) * 2**count for side, count in zip(patch, counts, strict=True)]
    return Topology(_three(whole), tuple(strides), tuple(kernels))


def _kernel(spacing: Sequence[float], before: Sequence[int]) -> Shape3:
    """3 along an axis whose spacing is near that of the finest, or that has had 3 before."""
    finest = min(spacing)
    return _three([3 if had == 3 or step / finest < _ALIKE else 1 for step, had in zip(spacing, before, strict=True)])


def _divisor(found: Topology, axis: int) -> int:
    return math.prod(stride[axis] for stride in found.strides)


def _three(values: Sequence[int]) -> Shape3:
    one, other, last = values
    return one, other, last
