"""Exponential moving average of weights (Polyak and Juditsky 1992)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

Weights = Mapping[str, Tensor]


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of all weights and buffers."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


class Average:
    """Floats are averaged, running statistics too; whole numbers are the latest ones."""

    def __init__(self, decay: float, weights: Weights) -> None:
        self._decay = decay
        self.weights = dict(weights)

    @torch.no_grad()
    def add(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step; early ones weigh less, so that the first weights are forgotten soon."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - decay)
            else:
                self.weights[name].copy_(tensor)
