"""Small made examples and a recipe for them: what the trainer needs, and nothing of any collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.training.settings import FitSettings
from workers.training.trainer import Data, Trainer


class Points:
    """Rows of numbers."""

    def __init__(self, shown: NDArray[np.float32], targets: NDArray[np.float64]) -> None:
        self.shown, self.targets = shown, targets

    def take(self, places: NDArray[np.int64]) -> Sequence[NDArray[np.float32]]:
        return list(self.shown[places])


class PointRecipe:
    """A perceptron with everything that keeps a state: dropout, running statistics, noise on what is shown."""

    def __init__(self, inputs: int, outputs: int, noise: float = 0.1, dropout: float = 0.2, norm: bool = True) -> None:
        self._sizes, self._noise, self._dropout, self._norm = (inputs, outputs), noise, dropout, norm

    def network(self) -> nn.Module:
        inputs, outputs = self._sizes
        norm = nn.BatchNorm1d(16) if self._norm else nn.LayerNorm(16)
        return nn.Sequential(nn.Linear(inputs, 16), norm, nn.ReLU(), nn.Dropout(self._dropout), nn.Linear(16, outputs))

    def batch(
        self, examples: Sequence[NDArray[np.float32]], targets: NDArray[np.float64], generator: Any
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        shown = np.stack(examples)
        if generator is not None and self._noise:
            shown = shown + generator.normal(0, self._noise, shown.shape).astype(np.float32)
        return {"x": torch.tensor(shown, dtype=torch.float32)}, torch.tensor(targets, dtype=torch.float32)

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = network(batch["x"])
        return found


def binary_points(rows: int, seed: int, missing: float = 0.0) -> Points:
    """The sum of two of four numbers says more or less what is true."""
    chance = np.random.default_rng(seed)
    shown = chance.normal(size=(rows, 4)).astype(np.float32)
    truth = (shown[:, 0] + shown[:, 1] + chance.normal(0, 0.5, rows) > 0).astype(np.float64)[:, None]
    truth[chance.random(rows) < missing] = np.nan
    return Points(shown, truth)


def binary_trainer(seed: int = 1, recipe: PointRecipe | None = None, ranks: Any = None, **settings: Any) -> Trainer:
    """Ready to run, on 90 and 60 rows."""
    data = Data(binary_points(90, 1, 0.1), binary_points(60, 2), "binary", 1)
    return Trainer(
        recipe or PointRecipe(4, 1), data, FitSettings(**{"epochs": 4, "batch": 16, **settings}), seed, ranks
    )
