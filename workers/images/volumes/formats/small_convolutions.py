"""3-D convolutions on processors through oneDNN, however small they are. Imports torch.

torch leaves a convolution of one window to its own `slow_conv3d` where channels and sides are few (`use_mkldnn` in
aten/src/ATen/native/Convolution.cpp: batch x channels x the first two sides up to 20,480), as in the lower half of a
U-Net, where it takes two to four times as long.
"""

from typing import cast

import torch
from torch import Tensor, nn


class OneDnnConv3d(nn.Conv3d):
    """The same layer, with the same weights under the same names."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # ONNX knows the usual operator.
        if torch.onnx.is_in_onnx_export() or input.device.type != "cpu" or input.ndim != 5 or not input.numel():
            return cast(Tensor, super()._conv_forward(input, weight, bias))
        sides = (input, weight, bias, self.padding, self.stride, self.dilation, self.groups)
        return cast(Tensor, torch.ops.aten.mkldnn_convolution(*sides))


def through_onednn(network: nn.Module) -> None:
    """Let the layers of a network in float32 compute so, where they can; they stay in their places."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own gap
        return
    for module in network.modules():
        if type(module) is nn.Conv3d and _can(module):
            module.__class__ = OneDnnConv3d


def _can(layer: nn.Conv3d) -> bool:
    # Padding by name, or by other values than zeros, is work of its own before the convolution.
    return layer.weight.dtype == torch.float32 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
