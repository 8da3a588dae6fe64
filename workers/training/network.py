"""A network by its name, as a recipe begins with it: some settings are a person's, some follow from the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel
from torch import nn

from schemas.errors import SpecError
from schemas.loading import validate, validate_some
from workers.lookup import Names
from workers.models.network_directory import WEIGHTS
from workers.models.weights import fill, read_tensors


class _Module(Protocol):
    Config: type[BaseModel]

    def build(self, config: Any) -> nn.Module: ...


def whole_settings(chosen: Mapping[str, Any], decided: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for config.json: the chosen ones, and those that data and labels decide.

    Raises SpecError where a person set what is decided.
    """
    both = sorted(chosen.keys() & decided.keys())
    if both:
        raise SpecError(f"network.settings: {', '.join(both)} follows from the data: leave it out")
    return {**chosen, **decided}


def check_settings(networks: Names, name: str, chosen: Mapping[str, Any]) -> None:
    """Raises SpecError for a network or settings that cannot be, whatever follows from the data; before any is read."""
    module: _Module = networks.load(name, "input.network.name")
    validate_some(module.Config, chosen, f"input.network.settings of {name}")
    if hasattr(module, "check"):
        module.check(chosen)


def fresh_network(networks: Names, name: str, settings: Mapping[str, Any], start: Path | None = None) -> nn.Module:
    """The network with weights of torch's global generator, or those of a model directory to start from.

    Raises SpecError for settings that it has not, and for weights that do not fit it.
    """
    module: _Module = networks.load(name, "network.name")
    network = module.build(validate(module.Config, settings, f"network.settings of {name}"))
    if start is not None:
        if not (start / WEIGHTS).exists():
            raise SpecError(f"input.start: {start} holds several networks, or none: name a directory with {WEIGHTS}")
        fill(network, read_tensors(start / WEIGHTS), f"input.start: {WEIGHTS}")
    return network
