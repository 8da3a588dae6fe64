"""Which examples a step shows: a function of seed, epoch and step alone, so that a position is all there is to keep."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.training.settings import FitSettings


def generator_of(*words: int) -> np.random.Generator:
    """The chance of one thing, such as of one step: equal words give equal chance, other words another."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


class Sampler:
    """Every epoch shows every example once, or, with `weights`, as many drawn by them with replacement.

    Batches of an epoch differ by one example at most: no last one is so small that its statistics mean nothing.
    """

    def __init__(self, examples: int, batch: int, seed: int, weights: NDArray[np.float64] | None = None) -> None:
        self._examples, self._seed = examples, seed
        self._shares = None if weights is None else weights / weights.sum()
        self.steps = max(1, -(-examples // batch))

    def epoch(self, number: int) -> Sequence[NDArray[np.int64]]:
        """The places of the examples of each step."""
        chance = generator_of(self._seed, number, 0)
        if self._shares is None:
            order = chance.permutation(self._examples)
        else:
            order = chance.choice(self._examples, self._examples, p=self._shares)
        return np.array_split(order.astype(np.int64), self.steps)


def smallest_part(examples: int, settings: FitSettings, processes: int) -> int:
    """Fewest examples that the network is shown at once while it learns: a step is shared by processes, and each makes
    parts of its own. 0 where some parts are empty, the others have one."""
    return examples // Sampler(examples, settings.batch, 0).steps // processes // settings.accumulate
