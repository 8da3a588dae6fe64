"""Loads and runs what workers.ehr.notes.formats.word_rnn describes. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.ehr.notes.formats.word_tokens import COUNTS, PADDING, WordNote, word_columns
from workers.models.activation import activate
from workers.models.device import set_up
from workers.models.head import by_column
from workers.models.load_members import load_members
from workers.models.memory_ladder import MemoryLadder

BUDGET = {"cpu": 16_384, "cuda": 262_144}
"""Words in a batch: a recurrent network takes one step after the other, so that only many notes at a time fill it."""


class WordClassifier:
    """One float32 score a label. Implements `workers.contract.Scorer`."""

    def __init__(self, network: nn.Module, card: ModelCard, device: str) -> None:
        self.outputs = card.outputs
        self.ladder = MemoryLadder(BUDGET[device])
        """Its budget is in words."""
        self._network = network
        self._device = torch.device(device)
        self._activation = card.settings["activation"]

    def score(self, values: Sequence[WordNote]) -> Mapping[str, Any]:
        """Scores by column, (notes,) float32 each, and the counts."""
        rows = self.ladder.run_each([len(note.words) for note in values], lambda batch: self._forward(values, batch))
        return {**by_column(self.outputs[: -len(COUNTS)], np.stack(rows)), **word_columns(values)}

    def _forward(self, values: Sequence[WordNote], batch: Sequence[int]) -> list[Any]:
        words = [torch.from_numpy(values[i].words.astype(np.int64)) for i in batch]
        padded = pad_sequence(words, batch_first=True, padding_value=PADDING)
        lengths = torch.tensor([len(note) for note in words])
        with torch.inference_mode():
            packed = pack_padded_sequence(padded.to(self._device), lengths, batch_first=True, enforce_sorted=False)
            return list(activate(self._network(packed), self._activation).cpu().numpy())


def load(directory: Path, card: ModelCard, placement: Placement) -> Scorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    networks = registry.networks("notes")
    found: Scorer = load_members(
        directory, card, networks, placement.device, lambda network: WordClassifier(network, card, placement.device)
    )
    return found
