"""One torch module for each layer of Keras that is supported, with Keras's weights turned to torch's order.

Arithmetic as in Keras 3: `same` pads more at the end than at the beginning, a batch norm divides by sqrt(variance +
epsilon). Averages leave padding out, as TensorFlow does; where the padding is uneven Keras on torch repeats the border.
"""

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workers.contract import Array
from workers.images.formats import keras_layers
from workers.images.formats.keras_graph import Layer

Pair = tuple[int, int]

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    # Channels are the second dimension of images, and of rows of numbers the last.
    "softmax": lambda x: torch.softmax(x, 1),
    "tanh": torch.tanh,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "swish": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hard_sigmoid": F.hardsigmoid,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
}


class Step(nn.Module):
    """A function of tensors, with the tensors it needs moved along with the network."""

    def __init__(self, function: Callable[..., Tensor], **tensors: Tensor) -> None:
        super().__init__()
        self._function = function
        self._names = tuple(tensors)
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self, *given: Tensor) -> Tensor:
        """What the function makes of them."""
        return self._function(*given, **{name: getattr(self, name) for name in self._names})


class Convolution(nn.Module):
    """Kernel (height, width, in, out) or, `depthwise`, (height, width, channels, multiplier); Keras's padding."""

    def __init__(self, config: Mapping[str, Any], kernel: Array, bias: Array | None, depthwise: bool) -> None:
        super().__init__()
        tall, wide, into, out = kernel.shape
        if [tall, wide] != list(_pair(config["kernel_size"])):
            raise ValueError(f"kernel of {tall} x {wide}")
        order = kernel.transpose(2, 3, 0, 1).reshape(into * out, 1, tall, wide) if depthwise else None
        self.weight = nn.Parameter(_tensor(kernel.transpose(3, 2, 0, 1) if order is None else order))
        self.bias = None if bias is None else nn.Parameter(_tensor(bias))
        self._stride, self._dilation = _pair(config.get("strides", 1)), _pair(config.get("dilation_rate", 1))
        self._groups = into if depthwise else int(config.get("groups", 1))
        self._same = config.get("padding") == "same"

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        if self._same:
            size = tuple(self.weight.shape[2:])
            x = F.pad(x, _same(x, (size[0], size[1]), self._stride, self._dilation))
        return F.conv2d(x, self.weight, self.bias, self._stride, 0, self._dilation, self._groups)


def module_of(layer: Layer, weights: Mapping[str, Array]) -> nn.Module:
    """The module. Raises ValueError, KeyError and the like where weights and settings do not fit."""
    if layer.kind in keras_layers.IDLE:
        return nn.Identity()
    config = layer.config
    module = _maker(layer.kind)(config, weights)
    activation = config.get("activation") or "linear"
    return module if activation == "linear" else nn.Sequential(module, Step(_ACTIVATIONS[activation]))


def _maker(kind: str) -> Callable[[Mapping[str, Any], Mapping[str, Array]], nn.Module]:
    return {
        "Conv2D": lambda c, w: Convolution(c, w["kernel"], w.get("bias"), False),
        "DepthwiseConv2D": lambda c, w: Convolution(c, w["kernel"], w.get("bias"), True),
        "SeparableConv2D": _separable,
        "Dense": _dense,
        "BatchNormalization": _batch_norm,
        "Normalization": _normalization,
        "Rescaling": _rescaling,
        "MaxPooling2D": lambda c, w: Step(_pool(c, True)),
        "AveragePooling2D": lambda c, w: Step(_pool(c, False)),
        "GlobalAveragePooling2D": lambda c, w: Step(lambda x: x.mean((2, 3), keepdim=bool(c.get("keepdims")))),
        "GlobalMaxPooling2D": lambda c, w: Step(lambda x: x.amax((2, 3), keepdim=bool(c.get("keepdims")))),
        "Flatten": lambda c, w: Step(lambda x: (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).flatten(1)),
        "Activation": lambda c, w: nn.Identity(),
        "ReLU": _relu,
        "LeakyReLU": lambda c, w: nn.LeakyReLU(float(c.get("negative_slope", c.get("alpha", 0.3)))),
        "ELU": lambda c, w: nn.ELU(float(c.get("alpha", 1.0))),
        "Softmax": lambda c, w: Step(_ACTIVATIONS["softmax"]),
        "ZeroPadding2D": _zero_padding,
        "Add": lambda c, w: Step(lambda *x: reduce(torch.add, x)),
        "Multiply": lambda c, w: Step(lambda *x: reduce(torch.mul, x)),
        "Average": lambda c, w: Step(lambda *x: reduce(torch.add, x) / len(x)),
        "Maximum": lambda c, w: Step(lambda *x: reduce(torch.maximum, x)),
        "Concatenate": lambda c, w: Step(lambda *x: torch.cat(x, 1)),
    }[kind]


def _separable(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    deep = Convolution(config, weights["depthwise_kernel"], None, True)
    return nn.Sequential(deep, Convolution({"kernel_size": 1}, weights["pointwise_kernel"], weights.get("bias"), False))


def _dense(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    tensors = {name: _tensor(array) for name, array in weights.items()}
    if tensors["kernel"].shape[1] != config["units"]:
        raise ValueError(f"kernel for {tensors['kernel'].shape[1]} units")

    def dense(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
        return F.linear(x.movedim(1, -1), kernel.T, bias).movedim(-1, 1)

    return Step(dense, **tensors)


def _batch_norm(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    values = {name: _tensor(array) for name, array in weights.items()}
    epsilon = float(config.get("epsilon", 1e-3))

    def norm(x: Tensor, **w: Tensor) -> Tensor:
        return F.batch_norm(x, w["moving_mean"], w["moving_variance"], w.get("gamma"), w.get("beta"), eps=epsilon)

    return Step(norm, **values)


def _normalization(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    mean = _tensor(np.asarray(weights["mean"] if weights else config["mean"]))
    variance = _tensor(np.asarray(weights["variance"] if weights else config["variance"]))
    return Step(
        lambda x, mean, std: (x - _channels(mean, x)) / _channels(std, x),
        mean=mean,
        std=variance.sqrt().clamp(min=1e-7),
    )


def _rescaling(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    scale, offset = (_tensor(np.asarray(config[name], dtype=np.float64)) for name in ("scale", "offset"))
    return Step(lambda x, scale, offset: x * _channels(scale, x) + _channels(offset, x), scale=scale, offset=offset)


def _relu(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    most, slope, threshold = (config.get(name) for name in ("max_value", "negative_slope", "threshold"))
    slope, threshold = float(slope or 0.0), float(threshold or 0.0)

    def relu(x: Tensor) -> Tensor:
        kept = torch.where(x >= threshold, x, slope * (x - threshold))
        return kept if most is None else kept.clamp(max=float(most))

    return Step(relu)


def _zero_padding(config: Mapping[str, Any], weights: Mapping[str, Array]) -> nn.Module:
    rows, columns = _pair(config["padding"])
    (top, bottom), (left, right) = _pair(rows), _pair(columns)
    return nn.ZeroPad2d((left, right, top, bottom))


def _pool(config: Mapping[str, Any], largest: bool) -> Callable[[Tensor], Tensor]:
    size = _pair(config.get("pool_size", 2))
    stride = _pair(config.get("strides") or size)

    def pool(x: Tensor) -> Tensor:
        pads = _same(x, size, stride, (1, 1)) if config.get("padding") == "same" else (0, 0, 0, 0)
        if largest:
            return F.max_pool2d(F.pad(x, pads, value=-math.inf), size, stride)
        inside = F.avg_pool2d(F.pad(torch.ones_like(x[:1, :1]), pads), size, stride)
        return F.avg_pool2d(F.pad(x, pads), size, stride) / inside

    return pool


def _same(x: Tensor, size: Pair, stride: Pair, dilation: Pair) -> tuple[int, int, int, int]:
    """What `same` pads: left, right, top, bottom."""
    pads: list[int] = []
    for side, k, step, apart in zip(x.shape[3:1:-1], size[::-1], stride[::-1], dilation[::-1], strict=True):
        total = max((-(-side // step) - 1) * step + (k - 1) * apart + 1 - side, 0)
        pads += [total // 2, total - total // 2]
    return pads[0], pads[1], pads[2], pads[3]


def _channels(values: Tensor, x: Tensor) -> Tensor:
    """One value a channel, or one for all, shaped to meet `x`."""
    flat = values.reshape(-1)
    return flat.reshape(1, -1, *[1] * (x.ndim - 2))


def _pair(value: Any) -> tuple[Any, Any]:
    first, second = (value, value) if isinstance(value, int) else value
    return first, second


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
