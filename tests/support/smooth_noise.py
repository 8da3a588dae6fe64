"""Noise that changes slowly from voxel to voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch


def smooth(shape: Sequence[int], grid: float, chance: np.random.Generator) -> np.ndarray:
    """Float32 of this shape: independent Gaussian values at points `grid` voxels apart, between them their trilinear
    mean."""
    points = [2 + int(np.ceil((side - 1) / grid)) for side in shape]
    coarse = torch.from_numpy(chance.standard_normal(points, dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse[None, None], tuple(shape), mode="trilinear", align_corners=True)
    return np.asarray(fine[0, 0])
