"""The same answers of a network on volumes for less of a processor's time. Imports torch.

In each chain of an `nn.Sequential` a batch norm behind a convolution is folded into its weights, and a ReLU, leaky
ReLU or PReLU of one slope behind that is done by the same oneDNN operator. A chain is one by definition of the class,
so that no network has to be traced; what comes out is held against the network as it was all the same.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from workers.images.volumes.formats.onednn_layers import LEAST_SLOPE, Layer, become, can, has_onednn

_SAME = 1e-5
"""How far logits may lie apart, of the largest of them where that is above 1."""


@dataclass(frozen=True)
class _Link:
    """A layer of a chain, and where it is."""

    parent: nn.Sequential
    name: str
    layer: nn.Module

    def leave(self) -> None:
        """Its work is done by another."""
        self.parent.register_module(self.name, nn.Identity())


def fused(network: nn.Module, example: Tensor | None) -> nn.Module:
    """A network in evaluation mode that answers as this one does, which must not be used any more.

    Only its convolutions are others without an `example`, (N, channels, i, j, k), or where the answer to it differs.
    """
    if not has_onednn():
        return network
    other = copy.deepcopy(network)
    is_folded = example is not None and _fold(other) > 0
    _through_onednn(other)
    if is_folded and example is not None and not _alike(network, other, example):
        other = network
        _through_onednn(other)
    return other


def _through_onednn(network: nn.Module) -> None:
    for layer in network.modules():
        if can(layer):
            become(layer)


def _fold(network: nn.Module) -> int:
    """How many norms and activations were folded."""
    # What several places use must stay as it is.
    places = Counter(id(layer) for _, layer in network.named_modules(remove_duplicate=False))
    found = 0
    for chain in [layer for layer in network.modules() if _is_chain(layer)]:
        links = [link for link in _links(chain) if not _does_nothing(link.layer)]
        for at, link in enumerate(links):
            if can(link.layer):
                found += _fold_into(list(takewhile(lambda one: _is_free(one, places), links[at : at + 3])))
    return found


def _is_free(link: _Link, places: Mapping[int, int]) -> bool:
    """Whether nobody else runs a layer, nor looks on."""
    return places[id(link.layer)] == 1 and not (link.layer._forward_pre_hooks or link.layer._forward_hooks)


def _fold_into(links: list[_Link]) -> int:
    """Takes a convolution and the up to two layers behind it; gives how many of those it does now."""
    found = 0
    for link in links[1:]:
        layer = links[0].layer
        assert isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)
        slope = _slope_of(link.layer)
        if not found and _is_norm(link.layer):
            _fold_norm(layer, link.layer)
        elif slope is not None:
            become(layer, slope)
        else:
            break
        link.leave()
        found += 1
        if slope is not None:
            break
    return found


def _fold_norm(layer: Layer, norm: nn.Module) -> None:
    assert isinstance(norm, nn.BatchNorm3d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    transposed = isinstance(layer, nn.ConvTranspose3d)
    seen = (norm.running_mean, norm.running_var)
    layer.weight, layer.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, *seen, norm.eps, norm.weight, norm.bias, transposed
    )
    layer.requires_grad_(False)


def _is_norm(layer: nn.Module) -> bool:
    return (
        type(layer) is nn.BatchNorm3d and layer.running_mean is not None and layer.running_mean.dtype == torch.float32
    )


def _slope_of(layer: nn.Module) -> float | None:
    """By how much an activation multiplies what is below 0; None where it is another."""
    if type(layer) is nn.ReLU:
        return LEAST_SLOPE
    if type(layer) is nn.LeakyReLU:
        return layer.negative_slope
    if type(layer) is nn.PReLU and layer.weight.numel() == 1:
        return float(layer.weight)
    return None


def _is_chain(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Sequential) and type(layer).forward is nn.Sequential.forward


def _links(chain: nn.Module) -> Iterator[_Link]:
    """All layers that are run one after the other, those of chains within a chain too."""
    assert isinstance(chain, nn.Sequential)
    # Not `named_children`, which leaves out what comes a second time.
    for name, layer in chain._modules.items():
        if layer is not None and _is_chain(layer):
            yield from _links(layer)
        elif layer is not None:
            yield _Link(chain, name, layer)


def _does_nothing(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Identity | nn.Dropout | nn.Dropout3d)


def _alike(network: nn.Module, other: nn.Module, example: Tensor) -> bool:
    with torch.inference_mode():
        wanted, found = network(example), other(example)
    if not isinstance(wanted, Tensor) or wanted.shape != found.shape:
        return False
    return bool((wanted - found).abs().max() <= _SAME * max(1.0, float(wanted.abs().max())))
