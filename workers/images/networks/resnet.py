"""Residual network in two dimensions (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016).

The stride of a bottleneck stands in its 3x3 convolution, as in torchvision, MONAI and transformers ("v1.5").
Names of weights are torchvision's (`conv1`, `bn1`, `layer1.0.conv1`, `layer2.0.downsample.0`, `fc`), so that such
checkpoints load as they are.
    ResNet-18: basic (2, 2, 2, 2)   34: basic (3, 4, 6, 3)   50: bottleneck (3, 4, 6, 3)   101: bottleneck (3, 4, 23, 3)
"""

from typing import Annotated, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from schemas.frozen import Frozen


class Config(Frozen):
    """`layers` is the number of blocks a stage; `width` the channels of the first stage, doubled at each next one.

    `stem`: `imagenet` is a 7x7 convolution of stride 2 and a max pool of stride 2; `small`, for images of about
    32 pixels, a 3x3 convolution of stride 1.
    """

    in_channels: int = Field(ge=1, le=1024)
    num_outputs: int = Field(ge=1, le=1_000_000)
    block: Literal["basic", "bottleneck"] = "basic"
    layers: tuple[Annotated[int, Field(ge=1, le=200)], ...] = Field(default=(2, 2, 2, 2), min_length=1, max_length=6)
    width: int = Field(default=64, ge=1, le=1024)
    stem: Literal["small", "imagenet"] = "imagenet"


class Basic(nn.Module):
    """Two 3x3 convolutions and the shortcut: (N, inputs, H, W) to (N, width, H/stride, W/stride)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return cast(Tensor, self.relu(out + self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and the shortcut: (N, inputs, H, W) to (N, 4 * width, H/stride, W/stride)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return cast(Tensor, self.relu(out + self.downsample(x)))


class ResNet(nn.Module):
    """(N, in_channels, H, W) float32 to (N, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        small = config.stem == "small"
        block = Basic if config.block == "basic" else Bottleneck
        self.conv1 = (
            nn.Conv2d(config.in_channels, config.width, 3, 1, 1, bias=False)
            if small
            else nn.Conv2d(config.in_channels, config.width, 7, 2, 3, bias=False)
        )
        self.bn1 = nn.BatchNorm2d(config.width)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        self.stages = [f"layer{i + 1}" for i in range(len(config.layers))]
        channels = config.width
        for i, name in enumerate(self.stages):
            width = config.width * 2**i
            self.add_module(name, _stage(block, channels, width, config.layers[i], stride=1 if i == 0 else 2))
            channels = width * block.expansion
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, config.num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return cast(Tensor, self.fc(self.flatten(self.avgpool(x))))


def smallest_side(config: Config) -> int:
    """Fewest rows or columns of an image: any, since every convolution that strides also pads."""
    return 1


def _stage(block: type[Basic] | type[Bottleneck], inputs: int, width: int, depth: int, stride: int) -> nn.Sequential:
    blocks = [block(inputs, width, stride)]
    blocks += [block(width * block.expansion, width, 1) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


build = ResNet
