"""A plain stack for small images: (3x3 convolution, batch norm, ReLU) a layer, mean over the image, linear.

Names of weights are those of one `nn.Sequential`: `0.weight` is the first convolution, `1.*` its batch norm, and so on;
the linear layer stands at `3 * len(channels) + 2`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator
from torch import nn

from schemas.frozen import Frozen


class Config(Frozen):
    """`channels` and `strides` hold one number a layer."""

    in_channels: int = Field(ge=1, le=1024)
    num_outputs: int = Field(ge=1, le=1_000_000)
    channels: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(default=(16, 32, 64, 64), min_length=1)
    strides: tuple[Annotated[int, Field(ge=1, le=8)], ...] = (2, 2, 2, 2)

    @model_validator(mode="after")
    def _one_stride_a_layer(self) -> Self:
        if len(self.channels) != len(self.strides):
            raise ValueError(f"{len(self.channels)} channels but {len(self.strides)} strides: give one of each a layer")
        return self


def build(config: Config) -> nn.Module:
    """Network from (N, in_channels, H, W) float32 to (N, num_outputs) logits."""
    layers: list[nn.Module] = []
    before = config.in_channels
    for channels, stride in zip(config.channels, config.strides, strict=True):
        layers += [nn.Conv2d(before, channels, 3, stride, 1), nn.BatchNorm2d(channels), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, config.num_outputs))


def smallest_side(config: Config) -> int:
    """Fewest rows or columns of an image: any, since each layer pads by one."""
    return 1
