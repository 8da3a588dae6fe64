"""Loads and runs what workers.ehr.events.formats.directory describes. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from schemas.errors import NoMemoryError
from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.ehr.events.formats.batches import Shard
from workers.ehr.events.formats.columns import contributions_name
from workers.ehr.events.formats.encoder import EncodedEvents
from workers.ehr.events.formats.explanations import contributions
from workers.ehr.events.formats.times import Integers
from workers.models.activation import activate
from workers.models.device import set_up
from workers.models.head import by_column
from workers.models.load_members import load_members
from workers.models.memory_ladder import MemoryLadder

Answer = tuple[NDArray[np.float32], Sequence[Any], Sequence[Any]]
"""For each record its scores, its features where they are asked for, and its explanations."""
Scored = tuple[Integers, Answer]

BATCH_BYTES = 512 << 20
"""What one batch may take, by the network's own estimate: batches are as large as memory allows, and few."""


def load(directory: Path, card: ModelCard, placement: Placement) -> Scorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    # Each thread runs batches of its own: inside the small products of one step a second one costs more than it does.
    set_up(1)
    device = placement.device

    def scorer(network: Any) -> EventModelScorer:
        if device == "cpu":
            network.accelerate()
        return EventModelScorer(network, card, device, max(1, placement.threads) if device == "cpu" else 1)

    found: Scorer = load_members(directory, card, registry.networks("events"), device, scorer)
    return found


class EventModelScorer:
    """A network from `PackedHistories` to features, on one device. Implements
    workers.contract.Scorer.
    """

    def __init__(self, network: Any, card: ModelCard, device: str, threads: int) -> None:
        self.outputs = card.outputs
        self.network = network
        self.ladder = MemoryLadder(BATCH_BYTES // network.bytes_per_event)
        """Its budget is in events."""
        self._settings = card.settings
        self._scores = self.outputs[: len(card.settings["labels"])]
        self._explained = bool(card.settings["outputs"]["contributions"])
        self._device = torch.device(device)
        self._threads = threads

    def score(self, parts: Sequence[EncodedEvents]) -> Mapping[str, Any]:
        """Score the parts, longest histories together. A refused record has the scores 0."""
        shard = Shard(parts)
        scores = np.zeros((len(shard), len(self._scores)), np.float32)
        features: dict[int, Any] = {}
        explained: dict[int, Any] = {}
        for records, answer in self._run(shard):
            scores[records] = answer[0]
            features.update(zip(records.tolist(), answer[1], strict=True))
            explained.update(zip(records.tolist(), answer[2], strict=True))
        values: dict[str, Any] = {
            **by_column(self._scores, scores),
            "oov_rate": shard.column("oov_rate"),
            "n_used": shard.lengths.astype(np.int32),
            "truncated": shard.column("truncated"),
        }
        if self._settings["outputs"]["embedding"]:
            values["embedding"] = [features.get(record, ()) for record in range(len(shard))]
        for place, field in enumerate(self._scores if self._explained else ()):
            values[contributions_name(field.name)] = [
                explained[record][place] if record in explained else () for record in range(len(shard))
            ]
        return values

    def _run(self, shard: Shard) -> list[Scored]:
        """Batches of records with their answers. Cut by the shard's own content, whatever else goes on.

        Raises NoMemoryError where memory does not suffice for one record.
        """
        lengths = shard.lengths.tolist()
        records = np.argsort(-shard.lengths, kind="stable")[: np.count_nonzero(shard.lengths)]
        share = max(1, -(-shard.events // self._threads))

        def forward(batch: list[int]) -> Scored:
            chosen = np.array(batch, np.int64)
            return chosen, self._forward(shard, chosen)

        try:
            done = self.ladder.run(records.tolist(), forward, lengths.__getitem__, at_most=share, threads=self._threads)
        except MemoryError:
            raise NoMemoryError(
                "the device has no memory left for the history of one record: give the workers more memory, or the "
                "model an encoding.max_events"
            ) from None
        return [scored for _, scored in done]

    @torch.inference_mode()
    def _forward(self, shard: Shard, records: Integers) -> Answer:
        sequences = shard.sequences(records, self._device)
        features = self.network.features(sequences)
        logits = self.network.head(features)
        scores = activate(logits, self._settings["activation"]).cpu().numpy()
        kept = features.cpu().numpy() if self._settings["outputs"]["embedding"] else [()] * len(records)
        if not self._explained:
            return scores, kept, [()] * len(records)
        shares = self.network.contributions(sequences).cpu().numpy()
        return scores, kept, contributions(shard, records, shares, self._settings["outputs"])
