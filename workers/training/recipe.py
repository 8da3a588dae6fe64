"""What a collection gives to the trainer: its network, and how examples become its input."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Example = Any
"""What one record is shown as: arrays, as the prepare steps left them."""


class Recipe(Protocol):
    """How one kind of network is trained."""

    def network(self) -> nn.Module:
        """With weights to begin with: fresh ones from torch's global generator, or those that it starts from."""

    def batch(
        self, examples: Sequence[Example], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """The network's input, and the targets as float32 of the same shape, or those that the examples have
        themselves, a row a logit; changed at random where there is a generator, which is all that chance may come
        from."""

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(examples, logits), or a row for each of the targets that `batch` gave."""


@runtime_checkable
class CountsLabels(Protocol):
    """Examples with labels of their own, such as those of each token, which their recipe gives with a batch."""

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """(records,) how many each has."""


@runtime_checkable
class OwnMeasure(Protocol):
    """A recipe that says itself what is made small and how good a network is, where an answer is no row of logits: of
    volumes it is a class a voxel."""

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor], targets: Tensor) -> Tensor:
        """The sum over the examples of a batch of the loss of each."""

    def judged(self, network: nn.Module, example: Example) -> tuple[float, Sequence[float]]:
        """The loss of one tuning example, and its figures, such as the Dice of each structure; NaN where it has none.
        The metric is the mean over the figures of their means over the examples."""


class Examples(Protocol):
    """Labelled records. `targets` is (records, columns) float64, NaN where a label is missing."""

    @property
    def targets(self) -> NDArray[np.float64]:
        """What is true of each."""

    def take(self, places: NDArray[np.int64]) -> Sequence[Example]:
        """What is shown of these, in this order."""


def label_counts(examples: Examples) -> NDArray[np.int64]:
    """(records,) of how many labels a loss is the mean."""
    if isinstance(examples, CountsLabels):
        return examples.label_counts
    return np.asarray((~np.isnan(examples.targets)).sum(axis=1), np.int64)
