"""What is done with a decoded object in `bench-dicom`, by whomever: 256 x 256 pixels from 0 to 1, then the network."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

SIDE = 256


def prepared(pixels: NDArray[np.int16] | NDArray[np.uint16]) -> NDArray[np.float32]:
    """Modality values as the network reads them: (256, 256), the smallest 0 and the largest 1."""
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    low, high = float(small.min()), float(small.max())
    return ((small.astype(np.float64) - low) / (high - low)).astype(np.float32)


def scored(model: nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 1, 256, 256) to (N, 14) probabilities."""
    with torch.inference_mode():
        scores: NDArray[np.float32] = torch.sigmoid(model(torch.from_numpy(np.ascontiguousarray(images)))).numpy()
    return scores
