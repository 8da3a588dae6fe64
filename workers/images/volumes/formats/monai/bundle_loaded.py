"""Loads what workers.images.volumes.formats.monai.bundle describes. Imports torch."""

from pathlib import Path

import torch
from torch import nn

from schemas.errors import SpecError
from schemas.loading import validate
from workers import registry
from workers.contract import ModelCard, Placement
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.formats.checkpoint import state_of
from workers.images.volumes.formats.monai.files import bundle_in
from workers.images.volumes.formats.torch_volume import torch_volume
from workers.models.device import set_up
from workers.models.weights import fill, read_tensors


def load(directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
    """The network with the weights of the bundle. Raises SpecError where they do not fit, SecurityError for code."""
    set_up(placement.threads)
    files = bundle_in(directory)
    if files is None:
        raise SpecError(f"{directory}: holds no MONAI bundle")
    module = registry.networks(registry.VOLUMES).load(card.settings["network"])
    where = f"{files.where}: settings of the network"
    config = validate(module.Config, card.settings["settings"], where)
    with torch.device("meta"):
        network: nn.Module = module.build(config)
    name = card.settings["weights"]
    with files.local(name) as path:
        tensors = read_tensors(path) if name.endswith(".safetensors") else state_of(path, ("model", "state_dict"))
        fill(network, tensors, f"{files.where}/{name}")
    return torch_volume([network], card, placement.device, files.where)
