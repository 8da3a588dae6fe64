"""Loads and runs what workers.images.formats.native describes. Imports torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from schemas.loading import validate
from workers.contract import Affine, ModelCard
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.to_tensor import ToTensor
from workers.images.networks.fold import fold
from workers.models.device import memory_error, set_up
from workers.models.weights import fill, read_tensors
from workers.registry import NETWORKS, resolve


def load(weights: Path, card: ModelCard, affine: Affine | None, device: str, threads: int) -> TorchClassifier:
    """See workers.images.formats.native.load."""
    set_up(threads)
    network, smallest_side = load_network(weights, card)
    folded = fold(network, device)
    with memory_error():
        folded.to(device)
    return TorchClassifier(folded, card, ToTensor(affine, device, card.channels, smallest_side))


def load_network(weights: Path, card: ModelCard) -> tuple[nn.Module, int]:
    """The network as its file builds it, with its weights, on the CPU; and the smallest image side it takes."""
    module = resolve(NETWORKS, card.settings["network"], "network")
    config = validate(module.Config, card.settings["settings"], f"{weights.parent}: settings")
    with torch.device("meta"):
        network: nn.Module = module.build(config)
    fill(network, read_tensors(weights), str(weights))
    return network, int(module.smallest_side(config))
