"""Loads and runs what workers.genomics.sequences.formats.cnn describes. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.windows import VariantWindow
from workers.models.device import memory_error, set_up
from workers.models.head import activate
from workers.models.weights import fill, read_tensors
from workers.registry import SEQUENCE_NETWORKS, resolve


class CnnScorer:
    """Implements `workers.genomics.sequences.contract.SequenceScorer`. The network's own module knows what windows
    share.
    """

    def __init__(self, scorer: Any, card: ModelCard, both_strands: bool) -> None:
        self.outputs = card.outputs
        self._scorer = scorer
        self._activation = card.settings["activation"]
        self._both_strands = both_strands

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


def load(weights: Path, card: ModelCard, device: str, threads: int, both_strands: bool) -> CnnScorer:
    """See workers.genomics.sequences.formats.cnn.load."""
    set_up(threads)
    module = resolve(SEQUENCE_NETWORKS, card.settings["network"], "network")
    config = validate(module.Config, card.settings["settings"], f"{weights.parent}: settings")
    if config.window != card.settings["fixed_length"]:
        raise SpecError(
            f"{weights.parent}: says a window of {card.settings['fixed_length']} bases, its network takes "
            f"{config.window}"
        )
    with torch.device("meta"):
        network: nn.Module = module.build(config)
    fill(network, read_tensors(weights), str(weights))
    network.eval()
    with memory_error():
        network.to(device)
    return CnnScorer(module.VariantScorer(network, config, device), card, both_strands)
