"""Volumes made up for tests, and MONAI's tensors of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from workers.images.volumes.volume import Grid, Shape3, Volume

ORIENTATIONS = [
    "".join(letters) for order in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*order)
]
"""All 48 directions that three axes can have."""


def affine_of(
    axes: str, spacing: tuple[float, float, float], origin: tuple[float, float, float] = (-31, 17.5, 4)
) -> Any:
    """The affine of a grid whose axes go where the letters say."""
    affine = np.eye(4)
    for axis, letter in enumerate(axes):
        space = next(space for space, pair in enumerate(("RL", "AP", "SI")) if letter in pair)
        affine[:3, axis] = 0
        affine[space, axis] = spacing[axis] * (1 if letter in "RAS" else -1)
    affine[:3, 3] = origin
    return affine


def turned(affine: Any, degrees: tuple[float, float, float]) -> Any:
    """The affine of a grid that lies obliquely: turned about x, y and z."""
    result = np.eye(4)
    for axis, angle in enumerate(np.radians(degrees)):
        turn, (a, b) = np.eye(4), [other for other in range(3) if other != axis]
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        result = turn @ result
    return result @ affine


def tilted(affine: Any, share: float) -> Any:
    """The affine of a series of a tilted gantry: slices slide along j."""
    result = affine.copy()
    result[:3, 2] += share * result[:3, 1]
    return result


def noise(shape: Shape3, *, channels: int = 1, dtype: Any = np.float32, seed: int = 0, scale: float = 1000) -> Any:
    """Random voxels, (channels, i, j, k)."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (channels, *shape)) * scale
    return (
        values.astype(dtype)
        if np.dtype(dtype).kind == "f"
        else np.clip(values, 0 if np.dtype(dtype).kind == "u" else None, None).astype(dtype)
    )


def volume(voxels: Any, affine: Any = None) -> Volume:
    """Voxels on a grid, by default of 1 mm, RAS."""
    return Volume(voxels, Grid(voxels.shape[1:], np.eye(4) if affine is None else affine))


def of_monai(volume: Volume) -> MetaTensor:
    """The same as MONAI reads it: in float32."""
    return MetaTensor(
        torch.from_numpy(np.array(volume.voxels, np.float32)), affine=torch.from_numpy(volume.grid.affine)
    )
