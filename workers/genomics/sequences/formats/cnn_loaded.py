"""Loads and runs what workers.genomics.sequences.formats.cnn describes. Imports torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from schemas.errors import SpecError
from workers import registry
from workers.contract import ModelCard, Placement
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.windows import VariantWindow
from workers.models.device import set_up
from workers.models.head import activate
from workers.models.memory import memory_error
from workers.models.weights import build_network


class CnnScorer:
    """Implements `workers.genomics.sequences.contract.SequenceScorer`. The network's own module knows what windows
    share.
    """

    def __init__(self, scorer: Any, card: ModelCard) -> None:
        self.outputs = card.outputs
        self._scorer = scorer
        self._activation = card.settings["activation"]
        self._both_strands = card.settings["both_strands"]

    def score(self, values: Sequence[VariantWindow]) -> tuple[Scores, Scores | None]:
        """(records, outputs) each; of both strands the mean of the scores."""
        strands = [self._strand(values)]
        if self._both_strands:
            strands.append(self._strand([window.reverse() for window in values]))
        ref = _mean([ref for ref, _ in strands])
        return ref, None if values[0].alt is None else _mean([alt for _, alt in strands])

    def _strand(self, windows: Sequence[VariantWindow]) -> tuple[Scores, Scores]:
        with memory_error(), torch.inference_mode():
            ref, alt = self._scorer.score(windows)
        return activate(ref, self._activation), activate(alt, self._activation)


def _mean(strands: Sequence[Scores]) -> Scores:
    return strands[0] if len(strands) == 1 else np.asarray(np.mean(strands, 0, dtype=np.float64), np.float32)


def load(directory: Path, card: ModelCard, placement: Placement) -> CnnScorer:
    """Load the network and its weights. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    built = build_network(directory, card, registry.networks("sequences"))
    said, takes = card.settings["fixed_length"], built.config.window
    if takes != said:
        raise SpecError(f"{directory}: says a window of {said} bases, its network takes {takes}")
    with memory_error():
        built.network.to(placement.device)
    return CnnScorer(built.module.VariantScorer(built.network, built.config, placement.device), card)
