"""Loads and runs what workers.images.formats.native describes. Imports torch."""

from pathlib import Path

from workers import registry
from workers.contract import ModelCard, Placement
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.to_tensor import ToTensor
from workers.images.networks.fold import fold
from workers.models.device import set_up
from workers.models.memory import memory_error
from workers.models.weights import build_network


def load(directory: Path, card: ModelCard, placement: Placement) -> TorchClassifier:
    """Load the network and its weights. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    built = build_network(directory, card, registry.networks("images"))
    folded = fold(built.network, placement.device)
    with memory_error():
        folded.to(placement.device)
    smallest_side = int(built.module.smallest_side(built.config))
    exact = getattr(built.module, "exact_size", None)
    size = None if exact is None else exact(built.config)
    to_tensor = ToTensor(placement.affine, placement.device, card.channels, smallest_side, size)
    return TorchClassifier(folded, card, to_tensor)
