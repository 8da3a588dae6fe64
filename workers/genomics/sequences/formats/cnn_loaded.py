"""Loads and runs what workers.genomics.sequences.formats.cnn describes. Imports torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from schemas.errors import SpecError
from workers import registry
from workers.contract import ModelCard, Placement
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.windows import VariantWindow
from workers.models.device import set_up
from workers.models.ensemble import mean_of
from workers.models.head import activate
from workers.models.memory import memory_error
from workers.models.weights import build_network


class CnnScorer:
    """Implements `workers.genomics.sequences.contract.SequenceScorer`: the mean of the networks' scores, of which
    there is one mostly. The network's own module knows what windows share.
    """

    def __init__(self, scorers: Sequence[Any], card: ModelCard) -> None:
        self.outputs = card.outputs
        self._scorers = scorers
        self._activation = card.settings["activation"]
        self._both_strands = card.settings["both_strands"]

    def score(self, values: Sequence[VariantWindow]) -> tuple[Scores, Scores | None]:
        """(records, outputs) each; of both strands the mean of the scores."""
        strands = self._strand(values)
        if self._both_strands:
            strands += self._strand([window.reverse() for window in values])
        ref = mean_of([ref for ref, _ in strands])
        return ref, None if values[0].alt is None else mean_of([alt for _, alt in strands])

    def _strand(self, windows: Sequence[VariantWindow]) -> list[tuple[Scores, Scores]]:
        with memory_error(), torch.inference_mode():
            found = [scorer.score(windows) for scorer in self._scorers]
        return [(activate(ref, self._activation), activate(alt, self._activation)) for ref, alt in found]


def load(directory: Path, card: ModelCard, placement: Placement) -> CnnScorer:
    """Load the network and its weights, or the networks. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    return CnnScorer([_scorer(directory, card, name, placement) for name in card.settings["weights"]], card)


def _scorer(directory: Path, card: ModelCard, weights: str, placement: Placement) -> Any:
    built = build_network(directory, card, registry.networks("sequences"), weights)
    said, takes = card.settings["fixed_length"], built.config.window
    if takes != said:
        raise SpecError(f"{directory}: says a window of {said} bases, its network takes {takes}")
    with memory_error():
        built.network.to(placement.device)
    return built.module.VariantScorer(built.network, built.config, placement.device)
