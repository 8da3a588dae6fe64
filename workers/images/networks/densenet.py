"""Densely connected network in two dimensions (Huang et al., "Densely Connected Convolutional Networks", CVPR 2017).

Names of weights are torchvision's (`features.denseblock1.denselayer1.norm1`, ..., `classifier`), so that such
checkpoints, and TorchXRayVision's, load as they are.
    DenseNet-121: (6, 12, 24, 16)   169: (6, 12, 32, 32)   201: (6, 12, 48, 32)
    DenseNet-161: (6, 12, 36, 24) with growth 48 and 96 features in the stem
"""

from collections import OrderedDict
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from schemas.frozen import Frozen


class Config(Frozen):
    """`block_layers` is the number of dense layers a block, `growth` the channels that each adds.

    A dense layer first narrows to `bottleneck * growth` channels. `init_features` are the channels of the stem.
    """

    in_channels: int = Field(ge=1, le=1024)
    num_outputs: int = Field(ge=1, le=1_000_000)
    block_layers: tuple[Annotated[int, Field(ge=1, le=200)], ...] = Field(
        default=(6, 12, 24, 16), min_length=1, max_length=6
    )
    growth: int = Field(default=32, ge=1, le=1024)
    init_features: int = Field(default=64, ge=1, le=4096)
    bottleneck: int = Field(default=4, ge=1, le=64)


class DenseLayer(nn.Module):
    """(N, C, H, W) to (N, C + growth, H, W): what it computes is appended to what it was given."""

    def __init__(self, inputs: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.relu(self.norm1(x)))
        out = self.conv2(self.relu(self.norm2(out)))
        return torch.cat([x, out], 1)


class DenseNet(nn.Module):
    """(N, in_channels, H, W) float32 to (N, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = config.init_features
        self.features = nn.Sequential(OrderedDict(_stem(config.in_channels, channels)))
        for i, depth in enumerate(config.block_layers):
            self.features.add_module(f"denseblock{i + 1}", _block(channels, depth, config))
            channels += depth * config.growth
            if i + 1 < len(config.block_layers):
                self.features.add_module(f"transition{i + 1}", _transition(channels))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, config.num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.features(x))
        return cast(Tensor, self.classifier(self.flatten(self.avgpool(x))))


def smallest_side(config: Config) -> int:
    """Fewest rows or columns of an image: the stem quarters them (rounding up), each transition halves them."""
    return int(2 ** (len(config.block_layers) + 1)) - 3


def _stem(inputs: int, channels: int) -> list[tuple[str, nn.Module]]:
    return [
        ("conv0", nn.Conv2d(inputs, channels, 7, 2, 3, bias=False)),
        ("norm0", nn.BatchNorm2d(channels)),
        ("relu0", nn.ReLU()),
        ("pool0", nn.MaxPool2d(3, 2, 1)),
    ]


def _block(channels: int, depth: int, config: Config) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        (f"denselayer{i + 1}", DenseLayer(channels + i * config.growth, config.growth, config.bottleneck))
        for i in range(depth)
    )
    return nn.Sequential(layers)


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


build = DenseNet
