"""The network and the decoder that every contestant uses, and the plain answer that all are held to."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

CHANNELS = (16, 32, 64, 64)
OUTPUTS = 14


def network() -> nn.Sequential:
    """(N, 1, 256, 256) float32 in [0, 1] to (N, 14) logits. The same weights every time."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    before = 1
    for channels in CHANNELS:
        layers += [nn.Conv2d(before, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU()]
        before = channels
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, OUTPUTS)]
    return nn.Sequential(*layers).eval()


def decode(png: bytes) -> NDArray[np.uint8]:
    """(rows, columns) uint8."""
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def decode_batch(pngs: Iterable[bytes]) -> NDArray[np.uint8]:
    """(N, 1, rows, columns) uint8."""
    return np.stack([decode(png) for png in pngs])[:, None]


def score(model: nn.Module, images: NDArray[np.uint8], channels_last: bool = False) -> NDArray[np.float32]:
    """Divide by 255, run, sigmoid: (N, 14) float32."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    with torch.inference_mode():
        batch: Tensor = torch.from_numpy(np.ascontiguousarray(images)).float().div_(255)
        scores: NDArray[np.float32] = torch.sigmoid(model(batch.contiguous(memory_format=layout))).numpy()
    return scores
