"""Residual blocks of `workers.genomics.sequences.networks.dilated_resnet` as bare weights: batch norms become part of
what is beside them.

For evaluation. The second norm of a block is folded into the convolution before it, the first is a scale and a shift.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


@dataclass(frozen=True)
class Convolution:
    """A dilated convolution without padding: it takes `reach` positions more on either side than it gives."""

    weight: Tensor
    bias: Tensor
    dilation: int

    @property
    def reach(self) -> int:
        """Positions on either side that one output depends on."""
        return (self.weight.shape[2] - 1) * self.dilation // 2


@dataclass(frozen=True)
class FoldedBlock:
    """x -> x + second(relu(first(relu(x * scale + shift)))). `skip`: its connection into the sum, where it has one."""

    scale: Tensor
    shift: Tensor
    first: Convolution
    second: Convolution
    skip: nn.Module | None


def fold_blocks(network: Any) -> list[FoldedBlock]:
    """The blocks of a `DilatedResnet` with their norms folded in, in its order."""
    every = network.config.skip_every
    blocks = []
    for number, block in enumerate(network.blocks, start=1):
        scale, shift = _affine(block.norm1)
        weight, bias = fuse_conv_bn_weights(
            block.conv1.weight,
            block.conv1.bias,
            block.norm2.running_mean,
            block.norm2.running_var,
            block.norm2.eps,
            block.norm2.weight,
            block.norm2.bias,
        )
        dilation = block.conv1.dilation[0]
        first = Convolution(weight.detach(), bias.detach(), dilation)
        second = Convolution(block.conv2.weight.detach(), block.conv2.bias.detach(), dilation)
        skip = network.skips[number // every - 1] if number % every == 0 else None
        blocks.append(FoldedBlock(scale, shift, first, second, skip))
    return blocks


def _affine(norm: Any) -> tuple[Tensor, Tensor]:
    """(channels, 1) scale and shift that do what the norm does in evaluation; in float64 on the way."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    return scale.float()[:, None].detach(), shift.float()[:, None].detach()
