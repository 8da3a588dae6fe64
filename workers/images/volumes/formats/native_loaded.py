"""Loads what workers.images.volumes.formats.native describes. Imports torch."""

from pathlib import Path

from workers import registry
from workers.contract import ModelCard, Placement
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.formats.torch_volume import torch_volume
from workers.models.device import set_up
from workers.models.weights import build_network


def load(directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
    """The network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    names = registry.networks(registry.VOLUMES)
    members = [build_network(directory, card, names, weights).network for weights in card.settings["weights"]]
    return torch_volume(members, card, placement.device, str(directory))
