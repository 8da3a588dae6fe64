"""Whole volumes through a network that is being fitted. Imports torch."""

from typing import Any

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from workers.contract import Array
from workers.images.volumes.card import Windows


def whole_logits(network: nn.Module, voxels: Array, windows: Windows) -> Tensor:
    """(classes, i, j, k) float32 on the CPU, of a volume (channels, i, j, k)."""
    device = next(network.parameters()).device
    given = torch.from_numpy(np.array(voxels, np.float32, order="C"))[None]
    with torch.no_grad():
        found = _windowed(network, given, windows, device)
    return torch.as_tensor(found)[0].float()


def _windowed(network: nn.Module, given: Tensor, windows: Windows, device: torch.device) -> Any:
    return sliding_window_inference(
        given,
        windows.roi,
        windows.batch,
        network,
        overlap=windows.overlap,
        mode=windows.blend,
        sigma_scale=windows.sigma_scale,
        cval=windows.fill,
        sw_device=device,
        device="cpu",
    )
