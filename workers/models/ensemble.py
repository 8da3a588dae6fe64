"""Several networks of one directory as one model: the mean of their scores. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.outputs import OutputField
from workers.models.head import Array


def mean_of(scores: Sequence[Array]) -> Array:
    """The mean of float32 scores of equal shape, taken in float64, as float32."""
    return scores[0] if len(scores) == 1 else np.stack(scores).mean(0, dtype=np.float64).astype(np.float32)


class MeanScorer:
    """Asks every member and gives the mean of their scores, which are the first columns. The others are about the
    records alone, the same whoever is asked. Implements `workers.contract.Scorer`, and whatever else is asked by
    `score` and answers by column.
    """

    def __init__(self, members: Sequence[Any], scores: int) -> None:
        self.members = tuple(members)
        self.outputs: tuple[OutputField, ...] = self.members[0].outputs
        self._scores = [field.name for field in self.outputs[:scores]]

    def score(self, *asked: Any) -> dict[str, Any]:
        """By column, as each member answers to the same."""
        answers: list[Mapping[str, Any]] = [member.score(*asked) for member in self.members]
        means = {name: mean_of([np.asarray(answer[name]) for answer in answers]) for name in self._scores}
        return {**answers[0], **means}
