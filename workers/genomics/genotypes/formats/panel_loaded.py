"""Loads and runs what workers.genomics.genotypes.formats.panel describes. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from schemas.errors import NoMemoryError
from workers import registry
from workers.contract import ModelCard, Placement
from workers.genomics.genotypes.contract import PanelScorer
from workers.models.activation import activate
from workers.models.device import set_up
from workers.models.head import by_column
from workers.models.load_members import load_members
from workers.models.memory_ladder import MemoryLadder

Float = NDArray[np.float32]
Inputs = Callable[[int, int], Float]
"""(first, last) record to (records, variants) float32: the network's input."""

BATCH_BYTES = 256 << 20
"""What one batch may take, by the network's own estimate."""


def load(directory: Path, card: ModelCard, placement: Placement) -> PanelScorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    networks = registry.networks("genotypes")
    found: PanelScorer = load_members(
        directory, card, networks, placement.device, lambda network: PanelModel(network, card, placement.device)
    )
    return found


class PanelModel:
    """A network from encoded panels to scores, on one device."""

    def __init__(self, network: Any, card: ModelCard, device: str) -> None:
        self.outputs = card.outputs
        self.network = network
        self._scores = card.outputs[: len(card.settings["labels"])]
        self._activation = card.settings["activation"]
        self._embedding = bool(card.settings["embedding"])
        self._device = torch.device(device)
        self._ladder = MemoryLadder(BATCH_BYTES // (8 * card.settings["variants"] + network.bytes_per_record))

    def score(self, records: int, inputs: Inputs) -> dict[str, Any]:
        """Scores of so many records by column, and their embedding where it is asked for; batch by batch.

        Raises NoMemoryError where memory does not suffice for one record.
        """
        try:
            done = self._ladder.run(range(records), lambda batch: self._forward(inputs(batch[0], batch[-1] + 1)))
        except MemoryError:
            raise NoMemoryError(
                "the device has no memory left for the panel of one record: give the workers more memory"
            ) from None
        found = [part for _, part in done]
        scores = np.concatenate([part for part, _ in found])
        values: Mapping[str, Any] = by_column(self._scores, scores)
        features = [row for _, rows in found for row in rows]
        return {**values, "embedding": features} if self._embedding else dict(values)

    @torch.inference_mode()
    def _forward(self, x: Float) -> tuple[Float, list[Float]]:
        features = self.network.features(torch.from_numpy(x).to(self._device))
        scores: Float = activate(self.network.head(features), self._activation).cpu().numpy()
        return scores, list(features.cpu().numpy()) if self._embedding else []
