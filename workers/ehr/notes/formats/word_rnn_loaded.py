"""Loads and runs what workers.ehr.notes.formats.word_rnn describes. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_sequence

from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.ehr.notes.formats.word_tokens import COUNTS, PADDING, WordNote, word_columns
from workers.models.activation import activate
from workers.models.device import set_up
from workers.models.head import by_column
from workers.models.load_members import load_members
from workers.models.memory_ladder import MemoryLadder
from workers.text_models.tokenized import Tokens

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
        padded, lengths = side_by_side([values[i].words for i in batch])
        with torch.inference_mode():
            packed = packed_words(padded.to(self._device), lengths)
            return list(activate(self._network(packed), self._activation).cpu().numpy())


def side_by_side(notes: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
    """(notes, longest) numbers of words, filled up with padding, and (notes,) how many each has."""
    words = [torch.from_numpy(note.astype(np.int64)) for note in notes]
    return pad_sequence(words, batch_first=True, padding_value=PADDING), torch.tensor([len(note) for note in words])


def packed_words(padded: Tensor, lengths: Tensor) -> PackedSequence:
    """What a network over words takes; the notes may be in any order."""
    return pack_padded_sequence(padded, lengths.cpu(), batch_first=True, enforce_sorted=False)


def load(directory: Path, card: ModelCard, placement: Placement) -> Scorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    networks = registry.networks("notes")
    found: Scorer = load_members(
        directory, card, networks, placement.device, lambda network: WordClassifier(network, card, placement.device)
    )
    return found
