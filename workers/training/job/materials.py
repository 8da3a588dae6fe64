"""What fits are made of: the labelled records on this node, and the recipe of each point of a search."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.finished_runs.stage import FinishedStage, stage_at
from workers.labels.table import planned_labels
from workers.pipeline.context import StageContext
from workers.training.job.columns import PREPARE
from workers.training.job.heads import head_of
from workers.training.job.labelled import PLACE, Labelled, labelled
from workers.training.job.recipes import FitTask, Recipes, TrainingRecipe
from workers.training.job.search import points_of, source_at
from workers.training.job.settings import TrainKeys
from workers.training.job.shown import local_rows
from workers.training.job.start import start_of
from workers.training.recipe import CountsLabels, Example


@dataclass(frozen=True)
class Part:
    """Some examples with their targets. Implements `workers.training.recipe.Examples`."""

    examples: Sequence[Example]
    rows: NDArray[np.int64]
    targets: NDArray[np.float64]

    def take(self, places: NDArray[np.int64]) -> Sequence[Example]:
        """Those examples."""
        return [self.examples[int(row)] for row in self.rows[places]]

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """How many labels each has: those of its own, or those of its targets that are known."""
        if isinstance(self.examples, CountsLabels):
            return self.examples.label_counts[self.rows]
        return np.asarray((~np.isnan(self.targets)).sum(axis=1), np.int64)


@dataclass(frozen=True)
class Material:
    """One point of a search: `source` has its settings."""

    source: TrainKeys
    recipe: TrainingRecipe
    task: FitTask


class Materials:
    """Joins labels and reads what was prepared to this node, once; for stages `fit` and `package`. Raises SpecError for
    what no network can take, RefusedError for labels that were changed."""

    def __init__(self, context: StageContext, recipes: Recipes, source: TrainKeys, shown: Sequence[str]) -> None:
        self._context, self._recipes, self._source, self._columns = context, recipes, source, shown
        self._folder = tempfile.TemporaryDirectory(prefix="wardround-fit-")
        self._opened: tuple[int | None, Material] | None = None

    @cached_property
    def found(self) -> Labelled:
        """The records with truth and split."""
        labels = None
        if self._source.labels is not None:
            labels = planned_labels(self._source.labels, self._context.storage, self._state["labels"])
        return labelled(self._prepared, self._source, labels)

    def at(self, point: int | None) -> Material:
        """Those of a point of the search, from 1 on; the last one is kept.

        What a recipe learns of its examples before it is fitted is learned of the training examples. With folds these
        are all that are in any fold: the networks share it.
        """
        if self._opened is None or self._opened[0] != point:
            source = self._source if point is None else source_at(self._source, points_of(self._source)[point - 1])
            task = FitTask(source, tuple(self._state["prepare"]), head_of(source), start_of(self._context, source))
            rows = self._rows(self.found.shown()[PLACE] if source.folds else self.found.used("train")[PLACE])
            recipe = self._recipes.open(task, [self._examples[int(row)] for row in rows])
            self._opened = (point, Material(source, recipe, task))
        return self._opened[1]

    def part(self, name: str, fold: int | None) -> Part:
        """What is learned from, or tuned on, in a fold."""
        return Part(self._examples, self._rows(self.found.used(name, fold)[PLACE]), self.found.targets(name, fold))

    def close(self) -> None:
        """Take the files of this node away."""
        self._folder.cleanup()

    @property
    def _state(self) -> Any:
        return self._context.run.parts["state"]

    @cached_property
    def _prepared(self) -> FinishedStage:
        return stage_at(self._context.store, PREPARE)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        return np.sort(self.found.shown()[PLACE].to_numpy().astype(np.int64))

    @cached_property
    def _examples(self) -> Sequence[Example]:
        path = Path(self._folder.name) / "shown.arrow"
        return self._recipes.examples(local_rows(self._prepared, self._places, self._columns, path))

    def _rows(self, places: pl.Series) -> NDArray[np.int64]:
        return np.searchsorted(self._places, places.to_numpy()).astype(np.int64)
