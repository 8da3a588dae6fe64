"""Scores and vectors of token windows through `workers.text_models.network`. Imports torch.

Windows that are equal token by token go through the network once a shard: the reference of a site with several ALT
alleles, or one variant that a file has twice. The reference and ALT of a record are of one length, so that they come
to lie in one batch.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.contract import ModelCard, Placement
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.formats.tokens import Tokens, TokenWindows
from workers.models.activation import activate
from workers.text_models.network import TextNetwork, load_network
from workers.text_models.scorers import POOL
from workers.text_models.tokenized import Gives

Finish = Callable[[Tensor, list[int]], Sequence[Scores]]


class TokenScorer:
    """Implements `workers.genomics.sequences.contract.SequenceScorer`."""

    def __init__(self, network: TextNetwork, card: ModelCard, finish: Finish) -> None:
        """`finish` makes one array of numbers a window of what the network gives for a batch."""
        self.outputs = card.outputs
        self.network = network
        self._finish = finish

    def score(self, values: Sequence[TokenWindows]) -> tuple[Scores, Scores | None]:
        """(records, numbers) each; of both strands the mean."""
        numbers: dict[bytes, int] = {}
        distinct: list[Tokens] = []
        wanted = [[_number(window, numbers, distinct) for window in (*value.ref, *value.alt)] for value in values]
        found = np.stack(self.network.run(distinct, self._finish))
        strands = len(values[0].ref)
        places = np.asarray(wanted)
        ref = _mean(found, places[:, :strands])
        return ref, _mean(found, places[:, strands:]) if values[0].alt else None


def _number(window: Tokens, numbers: dict[bytes, int], distinct: list[Tokens]) -> int:
    key = window.tobytes()
    if key not in numbers:
        numbers[key] = len(distinct)
        distinct.append(window)
    return numbers[key]


def _mean(found: Scores, places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Scores:
    if places.shape[1] == 1:
        return found[places[:, 0]]
    return np.asarray(found[places].mean(axis=1, dtype=np.float64), np.float32)


def load(directory: Path, card: ModelCard, gives: Gives, placement: Placement) -> TokenScorer:
    """Scores of logits, or vectors of hidden states. Raises SpecError if weights do not fit the configuration."""
    finish = {"texts": _scores, "states": _vectors}[gives](card)
    return TokenScorer(load_network(directory, card, gives, placement), card, finish)


def _scores(card: ModelCard) -> Finish:
    activation = card.settings["activation"]
    return lambda logits, _: list(activate(logits, activation).cpu().numpy())


def _vectors(card: ModelCard) -> Finish:
    pooling, normalize = card.settings["pooling"], card.settings["normalize"]

    def finish(states: Tensor, lengths: list[int]) -> Sequence[Scores]:
        texts = torch.split(states, lengths)
        pooled = torch.cat([torch.stack([POOL[name](text) for text in texts]) for name in pooling], 1)
        return list((functional.normalize(pooled, dim=1) if normalize else pooled).cpu().numpy())

    return finish
