"""What each voxel of a window counts for in the mean over windows."""

import math

import numpy as np
import torch
from torch import Tensor

from workers.images.volumes.card import Windows
from workers.images.volumes.volume import Shape3

_LEAST = 1e-3
"""MONAI's smallest weight."""
_NNUNET_PEAK = 10.0
"""nnU-Net's largest weight (`value_scaling_factor`). It decides which weights half precision makes 0."""


def weights(windows: Windows | None, roi: Shape3, device: str = "cpu") -> Tensor | None:
    """Weights of a window's voxels, (i, j, k) float32; None where all are 1."""
    if windows is None or windows.blend == "constant":
        return None
    of = monai_gaussian if windows.blend == "gaussian" else nnunet_gaussian
    return of(roi, windows.sigma_scale).to(device)


def monai_gaussian(roi: Shape3, sigma_scale: tuple[float, float, float]) -> Tensor:
    """As `monai.data.utils.compute_importance_map`: the product of three Gaussians around the middle, in float32, of
    which weights below 0.001 become 0.001."""
    i, j, k = (_monai_axis(side, scale * side) for side, scale in zip(roi, sigma_scale, strict=True))
    product = i[:, None, None] * j[:, None] * k
    return product.clamp_(min=max(float(product.min()), _LEAST))


def _monai_axis(side: int, sigma: float) -> Tensor:
    places = torch.arange(-(side - 1) / 2.0, (side - 1) / 2.0 + 1, dtype=torch.float32)
    return torch.exp(places**2 / (-2 * sigma**2))


def nnunet_gaussian(roi: Shape3, sigma_scale: tuple[float, float, float]) -> Tensor:
    """As nnU-Net's `compute_gaussian` in half precision: the product of three Gaussians around voxel `side // 2`, cut
    off at four standard deviations, with 10 in the middle; weights of 0 become the smallest other.

    It is `scipy.ndimage.gaussian_filter` of one voxel, which is this product.
    """
    i, j, k = (_nnunet_axis(side, scale * side) for side, scale in zip(roi, sigma_scale, strict=True))
    plane = np.multiply.outer(j, k)
    product = np.empty(roi, np.float16)
    for row, factor in enumerate(i):
        # In double precision, of one row at a time.
        product[row] = factor * plane * _NNUNET_PEAK
    found = torch.from_numpy(product.astype(np.float32))
    found[found == 0] = found[found > 0].min()
    return found


def _nnunet_axis(side: int, sigma: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Values along one axis, 1 in the middle."""
    reach = int(4.0 * sigma + 0.5)
    values = np.zeros(side)
    for place in range(side):
        away = place - side // 2
        if abs(away) <= reach:
            values[place] = math.exp(-0.5 * away**2 / sigma**2)
    return values
