"""Train on a hospital that is made up, and hold what came of it against the risk that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.support.planted_hospital import Hospital
from workers.ehr.events.formats.encoder import Encoding
from workers.ehr.events.training.histories import HeldHistories
from workers.ehr.events.training.recipe import EventRecipe
from workers.ehr.events.training.settings import VocabularySettings
from workers.ehr.events.training.vocabulary import fit_vocabulary
from workers.statistics.discrimination import auroc
from workers.statistics.estimate import Estimate
from workers.statistics.ranks import rank
from workers.training.held import HeldExamples
from workers.training.settings import FitSettings
from workers.training.trainer import Data, Trainer


class Labelled:
    """Implements `workers.training.recipe.Examples`."""

    def __init__(self, examples: Any, rows: NDArray[np.int64], outcome: NDArray[np.float64]) -> None:
        self._examples, self._rows, self.targets = examples, rows, outcome[rows][:, None]

    def take(self, places: NDArray[np.int64]) -> list[Any]:
        return [self._examples[row] for row in self._rows[places].tolist()]


@dataclass(frozen=True)
class Trained:
    recipe: Any
    trainer: Trainer
    held_out: NDArray[np.int64]
    logits: NDArray[np.float32]
    """(held_out,)"""


def split(records: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Three quarters to learn from, an eighth to choose by, an eighth to judge by."""
    first, second, third = np.split(np.arange(records), [records * 6 // 8, records * 7 // 8])
    return first, second, third


def train(recipe: Any, examples: Any, outcome: NDArray[np.float64], fit: FitSettings) -> Trained:
    """One network, and its logits of the records that it never saw."""
    rows = split(len(outcome))
    learned, tuning, held_out = (Labelled(examples, some, outcome) for some in rows)
    trainer = Trainer(recipe, Data(learned, tuning, "binary", 1), fit, seed=1)
    fitted = trainer.run(None, lambda data: None)
    trainer.network.load_state_dict(dict(fitted.weights))
    trainer.network.eval()
    places = np.arange(len(rows[2]))
    with torch.no_grad():
        batch, _ = recipe.batch(held_out.take(places), held_out.targets, None)
        logits = recipe.logits(trainer.network, batch)[:, 0].numpy()
    return Trained(recipe, trainer, rows[2], logits)


def held(hospital: Hospital) -> HeldExamples[HeldHistories]:
    return HeldExamples(HeldHistories(hospital.histories, hospital.subjects), len(hospital.risk))


def event_recipe(
    examples: HeldExamples[HeldHistories], network: str, settings: dict[str, Any], encoding: Encoding | None = None
) -> EventRecipe:
    """With the vocabulary of the records that are learned from."""
    learned = [examples[row] for row in split(len(examples))[0].tolist()]
    return EventRecipe(network, settings, fit_vocabulary(learned, VocabularySettings()), encoding or Encoding(), 1)


def area(scores: NDArray[Any], outcome: NDArray[np.float64]) -> Estimate:
    """AUROC and its interval."""
    return auroc(rank(scores.astype(np.float64), outcome.astype(np.int64)))
