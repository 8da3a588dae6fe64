"""Loads and runs what workers.genomics.sequences.formats.splice describes. Imports torch."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers import registry
from workers.contract import ModelCard, Placement
from workers.genomics.sequences.splicing.deltas import Sites, gene_entry, largest
from workers.genomics.sequences.splicing.encoding import SpliceVariant
from workers.genomics.sequences.steps import SPLICE_CONTEXT
from workers.genomics.sequences.windows import VariantWindow
from workers.models.device import set_up
from workers.models.head import activate
from workers.models.memory import memory_error
from workers.models.weights import build_network

Float = NDArray[np.float32]

HELD_BYTES = 256 << 20
"""Probabilities of REF and ALT that are held at once, about."""


class SpliceScorer:
    """Implements `workers.contract.Scorer`. `scorers` have `each_position`, as that of a dilated residual network."""

    def __init__(self, scorers: Sequence[Any], card: ModelCard) -> None:
        self.outputs = card.outputs
        self._scorers = scorers
        self._activation = card.settings["activation"]
        self._masked = card.settings["masked"]
        labels = card.settings["labels"]
        self._sites = Sites(labels.index("acceptor"), labels.index("donor"))
        self._bytes = 8 * len(labels) * (2 * card.settings["distance"] + 1)

    def score(self, values: Sequence[SpliceVariant]) -> Mapping[str, Any]:
        """A list of entries a variant, and the largest score of it."""
        entries = [entry for run in self._runs(values) for entry in self._run(run)]
        return {"ds_max": [largest(found) for found in entries], "genes": entries}

    def _runs(self, values: Sequence[SpliceVariant]) -> Iterator[Sequence[SpliceVariant]]:
        """Variants whose probabilities are held together."""
        start = held = 0
        for place, value in enumerate(values):
            if held and held + len(value.genes) * self._bytes > HELD_BYTES:
                yield values[start:place]
                start, held = place, 0
            held += len(value.genes) * self._bytes
        yield values[start:]

    def _run(self, values: Sequence[SpliceVariant]) -> Iterator[list[dict[str, Any]]]:
        windows = [each.window for value in values for each in value.genes]
        pairs = iter(self._probabilities(windows) if windows else ())
        for value in values:
            yield [gene_entry(value, each.gene, *next(pairs), self._sites, self._masked) for each in value.genes]

    def _probabilities(self, windows: Sequence[VariantWindow]) -> Iterator[tuple[Float, Float]]:
        """(positions, outputs) of REF and of ALT of each window: the mean of the networks."""
        total: list[list[Float]] = [[], []]
        for scorer in self._scorers:
            with memory_error(), torch.inference_mode():
                sides = scorer.each_position(windows)
            for held, side in zip(total, sides, strict=True):
                for number, logits in enumerate(side):
                    found = activate(logits, self._activation)
                    if number < len(held):
                        held[number] += found
                    else:
                        held.append(found)
        count = np.float32(len(self._scorers))
        for ref, alt in zip(*total, strict=True):
            yield ref / count, alt / count


def load(directory: Path, card: ModelCard, placement: Placement) -> SpliceScorer:
    """Load every network and its weights. Raises SpecError where they do not fit the card."""
    set_up(placement.threads)
    return SpliceScorer([_scorer(directory, card, name, placement) for name in card.settings["weights"]], card)


def _scorer(directory: Path, card: ModelCard, weights: str, placement: Placement) -> Any:
    built = build_network(directory, card, registry.networks("sequences"), weights)
    if not hasattr(built.module.VariantScorer, "each_position"):
        raise SpecError(f"{directory}: network {card.settings['network']} gives no outputs position by position")
    said, takes = card.settings[SPLICE_CONTEXT], 2 * built.config.reach
    if takes != said:
        raise SpecError(f"{directory}: says a context of {said} bases, its network looks at {takes}")
    with memory_error():
        built.network.to(placement.device)
    positions = 2 * card.settings["distance"] + 1
    config = built.config.model_copy(update={"positions": positions})
    return built.module.VariantScorer(built.network, config, placement.device)
