"""Make a network cheaper to run without changing what it answers (by more than rounding, about 1e-6).

Done once at load, for evaluation only:
- a batch norm behind a convolution is folded into the convolution's weights;
- on a CPU a ReLU behind a convolution is done by the same oneDNN primitive;
- any other ReLU overwrites its input where nobody else reads it.
"""

import operator
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_SLOPE = 1e-30
"""Slope below 0 of the ReLU in oneDNN's primitive. Its plain ReLU makes 0 of NaN, and a network that overflowed would
answer as if nothing were wrong; with any slope NaN stays NaN. Float32 cannot tell so small a slope from none."""

_FRESH = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
"""Modules whose result is a tensor of its own, so that it may be overwritten."""


class ConvReLU(nn.Module):
    """Convolution and ReLU as one oneDNN primitive: the operator that torch.compile would emit."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(conv.weight.detach(), requires_grad=False)
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach(), requires_grad=False)
        self.padding, self.stride, self.dilation, self.groups = conv.padding, conv.stride, conv.dilation, conv.groups

    def forward(self, x: Tensor) -> Tensor:
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        fused = torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, *geometry, "leaky_relu", [_SLOPE], ""
        )
        return cast(Tensor, fused)


def fold(network: nn.Module, device: str) -> nn.Module:
    """The same network in evaluation mode, folded. `network` itself must not be used any more.

    It must be traceable by torch.fx: no control flow that depends on values. `device` is 'cpu' or 'cuda'.
    """
    traced = fx.symbolic_trace(network.eval())
    _fold_batch_norms(traced)
    if device == "cpu" and has_fused_convolution() and _fused_keeps_nan():
        _fuse_relu(traced)
    _overwrite_in_relu(traced)
    traced.delete_all_unused_submodules()
    traced.graph.lint()
    traced.recompile()
    return traced.eval().requires_grad_(False)


def has_fused_convolution() -> bool:
    """Whether this build of torch has oneDNN's fused convolution. Without it the plain operators run."""
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own gap
    return available and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


@cache
def _fused_keeps_nan() -> bool:
    """Whether this build of oneDNN hands NaN on, tried out: else the plain operators run."""
    conv = nn.Conv2d(1, 1, 1)
    with torch.inference_mode():
        answer = ConvReLU(conv)(torch.full((1, 1, 2, 2), torch.nan))
    return bool(answer.isnan().all())


def _fold_batch_norms(traced: fx.GraphModule) -> None:
    for node in list(traced.graph.nodes):
        norm = _module(traced, node, nn.BatchNorm2d)
        if norm is None or not norm.track_running_stats:
            continue
        # A convolution that feeds something else too must keep its own weights.
        conv = _module(traced, node.args[0], nn.Conv2d)
        if conv is None or len(node.args[0].users) > 1 or _calls(traced, node.args[0]) > 1:
            continue
        traced.add_submodule(str(node.args[0].target), fuse_conv_bn_eval(conv, norm))
        _replace(traced, node, node.args[0])


def _fuse_relu(traced: fx.GraphModule) -> None:
    for node in list(traced.graph.nodes):
        if _module(traced, node, nn.ReLU) is not None and _fusible(traced, node.args[0]):
            conv = _module(traced, node.args[0], nn.Conv2d)
            traced.add_submodule(str(node.args[0].target), ConvReLU(conv))
            _replace(traced, node, node.args[0])


def _overwrite_in_relu(traced: fx.GraphModule) -> None:
    for node in list(traced.graph.nodes):
        if _module(traced, node, nn.ReLU) is None:
            continue
        before = node.args[0]
        # Other operators may give a view of their input, which would be overwritten with it.
        fresh = _module(traced, before, _FRESH) is not None or before.target is operator.add
        if fresh and len(before.users) == 1:
            with traced.graph.inserting_before(node):
                _replace(traced, node, traced.graph.call_function(torch.relu_, (before,)))


def _fusible(traced: fx.GraphModule, node: Any) -> bool:
    conv = _module(traced, node, nn.Conv2d)
    # The fused primitive knows zeros around the image only, and numbers instead of names for how many.
    plain = conv is not None and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)
    return plain and type(conv) is nn.Conv2d and len(node.users) == 1 and _calls(traced, node) == 1


def _module(traced: fx.GraphModule, node: Any, kind: Any) -> Any:
    """The module that a node calls if it is of that kind, else None."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    module = traced.get_submodule(str(node.target))
    return module if isinstance(module, kind) else None


def _calls(traced: fx.GraphModule, node: fx.Node) -> int:
    return sum(other.op == "call_module" and other.target == node.target for other in traced.graph.nodes)


def _replace(traced: fx.GraphModule, old: fx.Node, new: fx.Node) -> None:
    old.replace_all_uses_with(new)
    traced.graph.erase_node(old)
