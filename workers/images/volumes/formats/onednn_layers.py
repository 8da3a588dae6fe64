"""3-D convolutions on processors through oneDNN, however small, with the activation behind them. Imports torch.

torch leaves a convolution of one window to its own `slow_conv3d` where channels and sides are few (`use_mkldnn` in
aten/src/ATen/native/Convolution.cpp: batch x channels x the first two sides up to 20,480), as in the lower half of a
U-Net, where it takes two to four times as long, and small transposed ones to `slow_conv_transpose3d`. The operators
here are those that torch.compile emits.
"""

from typing import cast

import torch
from torch import Tensor, nn

LEAST_SLOPE = 1e-30
"""For a ReLU, which in oneDNN makes 0 of NaN: with any slope NaN stays NaN, and float32 cannot tell so small a one from
none."""


class OneDnnConv3d(nn.Conv3d):
    """The same layer, with the same weights under the same names; below 0 what comes out is multiplied by `slope`."""

    slope: float | None

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if _is_usual(input):
            return _activated(super()._conv_forward(input, weight, bias), self.slope)
        sides = (input, weight, bias, self.padding, self.stride, self.dilation, self.groups)
        if self.slope is None:
            return cast(Tensor, torch.ops.aten.mkldnn_convolution(*sides))
        return cast(Tensor, torch.ops.mkldnn._convolution_pointwise(*sides, "leaky_relu", [self.slope], ""))


class OneDnnConvTranspose3d(nn.ConvTranspose3d):
    """The same of a transposed layer."""

    slope: float | None

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As `nn.ConvTranspose3d`; a size that is asked for is left to it."""
        if output_size is not None or _is_usual(input):
            return _activated(super().forward(input, output_size), self.slope)
        sides = (self.padding, self.output_padding, self.stride, self.dilation, self.groups)
        how = ("none", []) if self.slope is None else ("leaky_relu", [self.slope])
        grown = torch.ops.mkldnn._convolution_transpose_pointwise(input, self.weight, self.bias, *sides, *how, "")
        return cast(Tensor, grown)


Layer = nn.Conv3d | nn.ConvTranspose3d


def can(layer: nn.Module) -> bool:
    """Whether a layer is one that may compute so: padding by name, or by other values than zeros, is work of its own
    before the convolution."""
    if type(layer) not in (nn.Conv3d, nn.ConvTranspose3d):
        return False
    found = cast(Layer, layer)
    return found.weight.dtype == torch.float32 and found.padding_mode == "zeros" and not isinstance(found.padding, str)


def become(layer: nn.Module, slope: float | None = None) -> None:
    """Let a layer compute so from now on; it stays in its place."""
    layer.__class__ = OneDnnConv3d if isinstance(layer, nn.Conv3d) else OneDnnConvTranspose3d
    cast(OneDnnConv3d, layer).slope = slope


def has_onednn() -> bool:
    """Whether this build of torch has the operators."""
    found: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own gap
    names = ("_convolution_pointwise", "_convolution_transpose_pointwise")
    return found and all(hasattr(torch.ops.mkldnn, name) for name in names)


def _is_usual(input: Tensor) -> bool:
    # ONNX knows the usual operators.
    return torch.onnx.is_in_onnx_export() or input.device.type != "cpu" or input.ndim != 5 or not input.numel()


def _activated(values: Tensor, slope: float | None) -> Tensor:
    return values if slope is None else nn.functional.leaky_relu(values, slope)
