"""Residual U-Net in three dimensions.

Çiçek et al., "3D U-Net", MICCAI 2016, with the residual blocks of He et al. (2016) in the encoder as Isensee et al.,
"nnU-Net Revisited", MICCAI 2024, have them; instance norm and leaky ReLU (slope 0.01) as there. One stage a channel
number: at each next one sides shrink by its stride, and grow back by a transposed convolution.
"""

from typing import Annotated, Self, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from schemas.frozen import Frozen

_SLOPE = 0.01

Width = Annotated[int, Field(ge=1, le=4096)]
Stride = Annotated[int, Field(ge=1, le=8)]
Strides = tuple[Stride, Stride, Stride]


class Config(Frozen):
    """`strides` has one entry a stage but the first: how far sides shrink there along i, j and k."""

    in_channels: int = Field(ge=1, le=1024)
    num_outputs: int = Field(ge=1, le=65_536)
    channels: tuple[Width, ...] = Field(default=(16, 32, 64, 128), min_length=2, max_length=8)
    strides: tuple[Strides, ...] = ((2, 2, 2), (2, 2, 2), (2, 2, 2))
    blocks: int = Field(default=1, ge=1, le=20, description="residual blocks of a stage of the encoder")
    deep_supervision: bool = Field(
        default=False, description="coarser stages of the decoder answer too while the network is fitted"
    )

    @model_validator(mode="after")
    def _one_stride_a_step(self) -> Self:
        if len(self.strides) != len(self.channels) - 1:
            raise ValueError(f"strides must have one entry fewer than channels ({len(self.channels) - 1})")
        return self


class Residual(nn.Module):
    """Two 3x3x3 convolutions and the shortcut: (N, inputs, i, j, k) to (N, width, i/stride, j/stride, k/stride)."""

    def __init__(self, inputs: int, width: int, stride: Strides) -> None:
        super().__init__()
        self.first = _normed(inputs, width, stride)
        self.second = _normed(width, width, (1, 1, 1))
        self.act = nn.LeakyReLU(_SLOPE, inplace=True)
        same = inputs == width and stride == (1, 1, 1)
        self.shortcut = nn.Identity() if same else nn.Conv3d(inputs, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.act(self.second(self.act(self.first(x))) + self.shortcut(x)))


class Up(nn.Module):
    """Grows the coarser stage, joins it to the finer one and convolves: (N, below, ...) and (N, width, ...) to the
    shape of the latter."""

    def __init__(self, below: int, width: int, stride: Strides) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose3d(below, width, stride, stride)
        self.conv = _normed(2 * width, width, (1, 1, 1))
        self.act = nn.LeakyReLU(_SLOPE, inplace=True)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return cast(Tensor, self.act(self.conv(torch.cat([self.grow(x), skip], 1))))


class ResUNet(nn.Module):
    """(N, in_channels, i, j, k) float32 to (N, num_outputs, i, j, k) logits; sides are multiples of all strides."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        steps = ((1, 1, 1), *config.strides)
        inputs = (config.in_channels, *config.channels)
        self.down = nn.ModuleList(
            _stage(inputs[at], width, steps[at], config.blocks) for at, width in enumerate(config.channels)
        )
        ups = range(len(config.channels) - 2, -1, -1)
        self.up = nn.ModuleList(Up(config.channels[at + 1], config.channels[at], steps[at + 1]) for at in ups)
        self.out = nn.Conv3d(config.channels[0], config.num_outputs, 1)
        coarser = [config.channels[at] for at in ups][:-1] if config.deep_supervision else []
        self.deep = nn.ModuleList(nn.Conv3d(width, config.num_outputs, 1) for width in coarser)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """The logits; while it is fitted with deep supervision those of coarser stages follow, the coarsest last."""
        skips: list[Tensor] = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        skips.pop()
        answers: list[Tensor] = []
        for place, up in enumerate(self.up):
            x = up(x, skips.pop())
            if self.training and place < len(self.deep):
                answers.append(self.deep[place](x))
        logits = cast(Tensor, self.out(x))
        return [logits, *reversed(answers)] if answers else logits


def build(config: Config) -> nn.Module:
    """The network with weights drawn at random."""
    return ResUNet(config)


def _stage(inputs: int, width: int, stride: Strides, blocks: int) -> nn.Sequential:
    first = Residual(inputs, width, stride)
    return nn.Sequential(first, *(Residual(width, width, (1, 1, 1)) for _ in range(blocks - 1)))


def _normed(inputs: int, width: int, stride: Strides) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(inputs, width, 3, stride, 1, bias=False), nn.InstanceNorm3d(width, affine=True))
