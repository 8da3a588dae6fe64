"""Weights are MONAI's importance map, or nnU-Net's Gaussian."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map
from scipy.ndimage import gaussian_filter

from workers.images.volumes.card import Windows
from workers.images.volumes.windows.weights import nnunet_gaussian, weights

ROIS = ((16, 16, 16), (7, 12, 5), (1, 8, 31))


@pytest.mark.parametrize("roi", ROIS)
@pytest.mark.parametrize("scale", [0.125, 0.05, 1.0, (0.1, 0.2, 0.3)])
def test_the_gaussian_is_that_of_monai_to_the_bit(roi: tuple[int, int, int], scale: float) -> None:
    found = weights(Windows(roi=roi, blend="gaussian", sigma_scale=scale), roi)
    assert torch.equal(found, compute_importance_map(roi, mode="gaussian", sigma_scale=scale))


def test_equal_weights_need_no_map() -> None:
    assert weights(Windows(roi=(4, 4, 4)), (4, 4, 4)) is None
    assert weights(None, (4, 4, 4)) is None


def nnunet_reference(tile: tuple[int, int, int], scale: float) -> torch.Tensor:
    """The rule of nnU-Net's `compute_gaussian`, with the filter that it uses."""
    one = np.zeros(tile)
    one[tuple(side // 2 for side in tile)] = 1
    found = torch.from_numpy(gaussian_filter(one, [side * scale for side in tile], 0, mode="constant", cval=0))
    found = (found / found.max() * 10).half()
    found[found == 0] = found[found != 0].min()
    return found.float()


@pytest.mark.parametrize("roi", [(16, 16, 16), (7, 12, 5), (24, 40, 33), (64, 48, 20)])
def test_the_gaussian_is_that_of_nnunet(roi: tuple[int, int, int]) -> None:
    found = nnunet_gaussian(roi, (0.125, 0.125, 0.125))
    expected = nnunet_reference(roi, 0.125)
    # A value between two of half precision may fall to either side.
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=6e-8)
    assert (found == expected).float().mean() > 0.999
    assert found.min() > 0
