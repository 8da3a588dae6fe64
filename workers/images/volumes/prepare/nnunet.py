"""Resampling of images as nnU-Net does it: scikit-image's `resize` with mode edge and without smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from workers.contract import Array
from workers.images.volumes.volume import Shape3

if TYPE_CHECKING:
    from workers.images.volumes.sampling import Method


def by_nnunet(
    voxels: Array, shape: Shape3, method: Literal["linear", "nearest", "spline"], separate: int | None, device: str
) -> Array:
    """(channels, i, j, k) over the same field of view in `shape`: float32.

    Axis `separate` is resampled by nearest, after the planes across it. Splines are clipped to the values of the
    source: of each channel, or of each plane across `separate`.
    """
    from workers.images.volumes.prepare import resampling  # noqa: PLC0415 - imports torch, which the driver must not

    lines = [extent_line(old, new) for old, new in zip(voxels.shape[1:], shape, strict=True)]
    if method != "spline":
        kind: Method = "nearest_up" if method == "nearest" else "linear"
        methods: tuple[Method, ...] = tuple("nearest_up" if axis == separate else kind for axis in range(3))
        return resampling.at_lines(resampling.as_tensor(voxels, device), tuple(lines), methods)
    if separate is not None:
        chosen = np.floor(np.clip(lines[separate], 0, voxels.shape[1 + separate] - 1) + 0.5).astype(np.int64)
        voxels = np.take(voxels, chosen, axis=1 + separate)
    places = tuple(
        None if axis == separate or len(lines[axis]) == voxels.shape[1 + axis] else lines[axis] for axis in range(3)
    )
    result = resampling.by_splines(voxels, places, device)
    across = tuple(axis for axis in (1, 2, 3) if axis - 1 != separate)
    low, high = voxels.min(axis=across, keepdims=True), voxels.max(axis=across, keepdims=True)
    return np.asarray(np.clip(result, low.astype(np.float32), high.astype(np.float32)))


def extent_line(old: int, new: int) -> np.ndarray:
    """Middles of `new` voxels among `old` ones over the same length."""
    return np.asarray(float(old) / new * (np.arange(new) + 0.5) - 0.5)
