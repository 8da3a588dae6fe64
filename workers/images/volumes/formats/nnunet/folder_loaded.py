"""Loads what workers.images.volumes.formats.nnunet.folder describes. Imports torch."""

from pathlib import Path
from typing import Any, cast

import torch
from dynamic_network_architectures.architectures import unet
from torch import Tensor, nn

from schemas.errors import SpecError
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import VolumeCard, volume_card
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.formats.checkpoint import read_checkpoint
from workers.images.volumes.formats.nnunet.architecture import LAYERS
from workers.images.volumes.formats.nnunet.facts import scalars
from workers.images.volumes.formats.torch_volume import torch_volume
from workers.models.device import set_up
from workers.models.files import confined
from workers.models.weights import fill


class Turned(nn.Module):
    """A network on axes of its own, shown ours: `order` says for each of its axes which of ours it is."""

    def __init__(self, network: nn.Module, order: tuple[int, ...]) -> None:
        super().__init__()
        self.network = network
        self._there = (0, 1, *(2 + axis for axis in order))
        self._back = tuple(self._there.index(axis) for axis in range(len(self._there)))

    def forward(self, windows: Tensor) -> Tensor:
        """(N, channels, i, j, k) to (N, outputs, i, j, k)."""
        return cast(Tensor, self.network(windows.permute(self._there))).permute(self._back)


def load(directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
    """The networks of all folds, as one. Raises SpecError where weights do not fit the plans."""
    set_up(placement.threads)
    volume = volume_card(card)
    if volume is None:
        raise SpecError(f"{directory}: is a model on single images, not on volumes")
    members = [_member(confined(directory, name), card, volume) for name in card.settings["weights"]]
    return torch_volume(members, card, placement.device, str(directory))


def build(architecture: dict[str, Any], channels: int, outputs: int) -> nn.Module:
    """The network that `architecture_of` tells, without weights. Raises SpecError where its numbers do not fit."""
    arguments = dict(architecture["arguments"])
    for key in LAYERS:
        arguments[key] = getattr(nn, arguments[key]) if arguments.get(key) else None
    try:
        made: nn.Module = getattr(unet, architecture["name"])(
            input_channels=channels, num_classes=outputs, deep_supervision=False, **arguments
        )
    except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        said = str(error).strip().partition("\n")[0]
        raise SpecError(f"plans.json: {architecture['name']} is not made of its arch_kwargs: {said}") from error
    return made


def _member(path: Path, card: ModelCard, volume: VolumeCard) -> nn.Module:
    with torch.device("meta"):
        network = build(card.settings["architecture"], volume.channels, volume.outputs)
    weights = read_checkpoint(path, scalars()).get("network_weights")
    if not isinstance(weights, dict) or not all(isinstance(one, Tensor) for one in weights.values()):
        raise SpecError(f"{path}: holds no network_weights, as a checkpoint of nnU-Net does")
    fill(network, weights, str(path))
    return Turned(network, tuple(card.settings["order"]))
