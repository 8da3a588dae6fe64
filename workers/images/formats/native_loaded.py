"""Loads and runs what workers.images.formats.native describes. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import Affine, ModelCard
from workers.images.formats.classifier import TorchClassifier
from workers.images.networks.fold import fold
from workers.models.device import ToTensor, memory_error, set_up
from workers.models.files import check_safetensors
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


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file. Raises SpecError or SecurityError for another kind of file."""
    check_safetensors(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise SpecError(f"{path}: is not a safetensors file that can be read ({error})") from error
    return tensors


def fill(network: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Put the tensors into the network, names and shapes strictly equal, as float32 (counters as they are).

    Copied, since what safetensors gives may be a view of the file.
    """
    wanted = network.state_dict()
    missing, unexpected = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    wrong = [
        f"{name} is {list(tensors[name].shape)}, must be {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise SpecError(f"{where}: does not fit the network: {what}: {', '.join(names[:5])}{more}")
    cast = {name: tensor.to(wanted[name].dtype, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(cast, strict=True, assign=True)
