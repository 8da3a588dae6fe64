"""Logits to scores, on the device."""

import torch
from torch import Tensor


def activate(logits: Tensor, activation: str) -> Tensor:
    """(N, labels) logits to scores on the device."""
    if activation == "sigmoid":
        return torch.sigmoid(logits)
    return torch.softmax(logits, dim=1) if activation == "softmax" else logits
