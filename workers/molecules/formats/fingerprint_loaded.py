"""Loads and runs what workers.molecules.formats.fingerprint describes. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.models.device import set_up
from workers.models.head import activate, by_column
from workers.models.load_members import load_members
from workers.models.memory_ladder import MemoryLadder
from workers.molecules.contract import Numbers

BATCH_BYTES = 64 << 20
"""What one batch may take, by the network's own estimate."""


class FingerprintScorer:
    """Implements `workers.contract.Scorer`."""

    def __init__(self, network: Any, card: ModelCard, device: str) -> None:
        self.outputs = card.outputs
        self._network = network
        self._activation = card.settings["activation"]
        self._bits = card.settings["fingerprint"]["bits"]
        self._counts = card.settings["fingerprint"]["counts"]
        self._device = torch.device(device)
        self._ladder = MemoryLadder(BATCH_BYTES // network.bytes_per_record)

    def score(self, values: Sequence[Numbers]) -> Mapping[str, Any]:
        """Scores by column, float32, of packed bits or counts."""
        logits = [part for _, part in self._ladder.run(values, self._forward)]
        return by_column(self.outputs, activate(np.concatenate(logits), self._activation))

    @torch.inference_mode()
    def _forward(self, values: Sequence[Numbers]) -> Numbers:
        x = as_input(values, self._bits, self._counts)
        logits: Numbers = self._network(x.to(self._device)).cpu().numpy()
        return logits


def as_input(values: Sequence[Numbers], bits: int, counts: bool) -> torch.Tensor:
    """(molecules, bits) float32, of packed bits or of counts."""
    part = np.stack(values)
    return torch.from_numpy((part if counts else np.unpackbits(part, axis=1, count=bits)).astype(np.float32))


def load(directory: Path, card: ModelCard, placement: Placement) -> Scorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    networks = registry.networks("molecules")
    found: Scorer = load_members(
        directory, card, networks, placement.device, lambda network: FingerprintScorer(network, card, placement.device)
    )
    return found
