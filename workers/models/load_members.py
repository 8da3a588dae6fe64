"""The networks of a directory on their device, as one scorer. Imports torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.contract import ModelCard
from workers.lookup import Names
from workers.models.ensemble import MeanScorer
from workers.models.memory import memory_error
from workers.models.weights import build_network


def load_members(directory: Path, card: ModelCard, networks: Names, device: str, scorer: Callable[[Any], Any]) -> Any:
    """What `scorer` makes of the network that a card names, or of several the mean of theirs. Raises SpecError where
    weights or settings do not fit."""
    members = []
    for weights in card.settings["weights"]:
        network = build_network(directory, card, networks, weights).network
        with memory_error():
            network.to(device)
        members.append(scorer(network))
    return members[0] if len(members) == 1 else MeanScorer(members, len(card.settings["labels"]))
