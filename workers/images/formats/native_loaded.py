"""Loads and runs what workers.images.formats.native describes. Imports torch."""

from pathlib import Path

from workers import registry
from workers.contract import Model, ModelCard, Placement
from workers.images.formats.classifier import TorchClassifier
from workers.images.formats.mean import Mean
from workers.images.formats.to_tensor import ToTensor
from workers.images.networks.fold import fold
from workers.models.device import set_up
from workers.models.memory import memory_error
from workers.models.weights import build_network


def load(directory: Path, card: ModelCard, placement: Placement) -> Model:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    members = [_load(directory, card, placement, weights) for weights in card.settings["weights"]]
    return members[0] if len(members) == 1 else Mean(members)


def _load(directory: Path, card: ModelCard, placement: Placement, weights: str) -> TorchClassifier:
    built = build_network(directory, card, registry.networks("images"), weights)
    is_traceable = getattr(built.module, "is_traceable", True)
    folded = fold(built.network, placement.device) if is_traceable else built.network
    with memory_error():
        folded.to(placement.device)
    smallest_side = int(built.module.smallest_side(built.config))
    exact = getattr(built.module, "exact_size", None)
    size = None if exact is None else exact(built.config)
    to_tensor = ToTensor(placement.affine, placement.device, card.channels, smallest_side, size)
    return TorchClassifier(folded, card, to_tensor)
