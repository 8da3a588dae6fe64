"""The three heads of `workers.text_models.network`: scores, entities, vectors. Imports torch."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.contract import ModelCard, Placement, Scorer
from workers.models.activation import activate
from workers.models.head import by_column
from workers.text_models.entities import Tagged, entities_of
from workers.text_models.network import TextNetwork, load_network
from workers.text_models.token_windows import COUNTS, STEP, EntityWindows, ScoreWindows, over_windows
from workers.text_models.tokenized import Gives, TokenizedText, count_columns


class Classifier:
    """One float32 score a label. Implements `workers.contract.Scorer`."""

    def __init__(self, network: TextNetwork, card: ModelCard) -> None:
        self.outputs = card.outputs
        self.network = network
        self._activation = card.settings["activation"]
        self._how = ScoreWindows.model_validate(card.settings[STEP])

    def score(self, values: Sequence[TokenizedText]) -> Mapping[str, Any]:
        """Scores by column, (notes,) float32 each, and the counts."""
        rows = self.network.run(_windows(values), lambda out, _: list(activate(out, self._activation).cpu().numpy()))
        scores = over_windows(np.stack(rows), [len(note.windows) for note in values], self._how)
        return {**by_column(self.outputs[: -len(COUNTS)], scores), **count_columns(values)}


class Tagger:
    """Spans of characters with a label. Implements `workers.contract.Scorer`."""

    def __init__(self, network: TextNetwork, card: ModelCard) -> None:
        self.outputs = card.outputs
        self.network = network
        self._labels = card.settings["labels"]
        self._how = EntityWindows.model_validate(card.settings[STEP])

    def score(self, values: Sequence[TokenizedText]) -> Mapping[str, Any]:
        """`entities` of each note, and the counts."""
        tagged = self.network.run(_windows(values), _most_probable)
        entities = []
        for note, (first, end) in zip(values, _bounds(values), strict=True):
            parts = [_inside(note, w, tags) for w, tags in enumerate(tagged[first:end])]
            entities.append(entities_of(note, parts, self._labels, self._how.merge))
        return {"entities": entities, **count_columns(values)}


class Embedder:
    """A vector a note. Implements `workers.contract.Scorer`."""

    def __init__(self, network: TextNetwork, card: ModelCard) -> None:
        self.outputs = card.outputs
        self.network = network
        self._pooling = card.settings["pooling"]
        self._normalize = card.settings["normalize"]

    def score(self, values: Sequence[TokenizedText]) -> Mapping[str, Any]:
        """`embedding`, (width,) float32 each, and the counts."""
        pooled = self.network.run(_windows(values), self._pool)
        vectors = [_joined(note, pooled[first:end]) for note, (first, end) in zip(values, _bounds(values), strict=True)]
        if self._normalize:
            vectors = [_of_length_1(vector) for vector in vectors]
        return {"embedding": vectors, **count_columns(values)}

    def _pool(self, states: Tensor, lengths: list[int]) -> list[Any]:
        texts = torch.split(states, lengths)
        kinds = [torch.stack([POOL[name](text) for text in texts]) for name in self._pooling]
        return list(torch.cat(kinds, 1).cpu().numpy())


POOL: Mapping[str, Any] = {
    "cls": lambda text: text[0],
    "max": lambda text: text.amax(0),
    "mean": lambda text: text.mean(0),
    "mean_sqrt_len": lambda text: text.sum(0) / len(text) ** 0.5,
}


_SCORERS: Mapping[Gives, type[Classifier | Tagger | Embedder]] = {
    "texts": Classifier,
    "tokens": Tagger,
    "states": Embedder,
}


def load(directory: Path, card: ModelCard, gives: Gives, placement: Placement) -> Scorer:
    """The scorer of what the model gives. Raises SpecError if weights do not fit the configuration."""
    return _SCORERS[gives](load_network(directory, card, gives, placement), card)


def _windows(values: Sequence[TokenizedText]) -> list[Any]:
    return [window for note in values for window in note.windows]


def _bounds(values: Sequence[TokenizedText]) -> list[tuple[int, int]]:
    """For each note, its first window and the one behind its last."""
    return list(pairwise(accumulate((len(note.windows) for note in values), initial=0)))


def _most_probable(logits: Tensor, lengths: list[int]) -> list[Tagged]:
    best = torch.softmax(logits, dim=1).max(dim=1)
    numbers, scores = best.indices.cpu().numpy(), best.values.cpu().numpy()
    ends = list(accumulate(lengths))[:-1]
    return list(zip(np.split(numbers, ends), np.split(scores, ends), strict=True))


def _inside(note: TokenizedText, window: int, tags: Tagged) -> Tagged:
    part = slice(note.lead, note.lead + note.counts[window])
    return tags[0][part], tags[1][part]


def _joined(note: TokenizedText, vectors: Sequence[Any]) -> Any:
    if len(vectors) == 1:
        return vectors[0]
    return np.average(np.stack(vectors), axis=0, weights=note.counts).astype(np.float32)


def _of_length_1(vector: Any) -> Any:
    """As torch.nn.functional.normalize: a vector of zeros stays one."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
