"""AdamW (Loshchilov and Hutter 2019): decay on matrices and kernels only, not on biases, norms and scales."""

import torch
from torch import nn

from workers.training.settings import FitSettings


def optimiser_of(network: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """For all weights that are trained, in the order in which the network has them."""
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    matrices = [weight for weight in trained if weight.ndim > 1]
    others = [weight for weight in trained if weight.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.learning_rate, foreach=False)
