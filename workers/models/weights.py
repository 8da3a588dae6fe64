"""Weights of safetensors files put into a network, strictly. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard
from workers.lookup import Names
from workers.models.files import check_safetensors, confined
from workers.models.network_directory import WEIGHTS


class BuiltNetwork(NamedTuple):
    """A network in evaluation mode on the CPU, its checked settings, and the module that has both."""

    network: Any
    config: Any
    module: ModuleType


def build_network(directory: Path, card: ModelCard, networks: Names, weights: str = WEIGHTS) -> BuiltNetwork:
    """The network that a card of `workers.models.network_directory` names, with the weights of its directory, or of one
    file of it.

    Raises SpecError if settings or weights do not fit it, naming each tensor that is missing or too many.
    """
    module = networks.load(card.settings["network"])
    config = validate(module.Config, card.settings["settings"], f"{directory}: settings")
    with torch.device("meta"):
        network: nn.Module = module.build(config)
    path = confined(directory, weights)
    fill(network, read_tensors(path), str(path))
    return BuiltNetwork(network.eval().requires_grad_(False), config, module)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file. Raises SpecError or SecurityError for another kind of file."""
    check_safetensors(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise SpecError(f"{path}: is not a safetensors file that can be read ({error})") from error
    return tensors


def refuse_unfinite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Raise SpecError that names the tensors with a value that is NaN or infinite: no score of such means anything."""
    wrong = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if wrong:
        more = f" and {len(wrong) - 5} more tensors" if len(wrong) > 5 else ""
        raise SpecError(
            f"{where}: weights are not finite (NaN or infinite) in {', '.join(wrong[:5])}{more}: "
            "save the model again from a checkpoint that is whole"
        )


def _remedy(missing: Sequence[str], unexpected: Sequence[str]) -> str:
    """Tensors of a network that was trained inside another module have its name in front of theirs."""
    prefix = next((name.removesuffix(missing[0]) for name in unexpected if missing and name.endswith(missing[0])), "")
    if prefix and all(f"{prefix}{name}" in unexpected for name in missing):
        return f"Take {prefix!r} off the names and save them again"
    return "Correct network and settings in config.json, or save the weights of that network"


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
    told = [
        f"{what}: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong))
        if names
    ]
    if told:
        raise SpecError(f"{where}: does not fit the network: {'; '.join(told)}. {_remedy(missing, unexpected)}")
    refuse_unfinite(tensors, where)
    cast = {name: tensor.to(wanted[name].dtype, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(cast, strict=True, assign=True)
