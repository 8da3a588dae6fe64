"""How `job: train` fits networks over a panel. Imports torch."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import polars as pl
import pyarrow as pa
from torch import Tensor

from cluster.storage import Store
from schemas.wording import counted
from workers.genomics.genotypes.training.copies import HeldCopies
from workers.genomics.genotypes.training.package import write_trained
from workers.genomics.genotypes.training.panels import matched_panel
from workers.genomics.genotypes.training.recipe import PanelRecipe, fit_panel
from workers.training.held import Held, HeldExamples
from workers.training.job.directory import written
from workers.training.job.recipes import FitTask


class FittedPanelRecipe(PanelRecipe):
    """A recipe that knows its model directory. Implements `workers.training.job.recipes.TrainingRecipe`."""

    def __init__(self, task: FitTask, variants: pl.DataFrame, train: Sequence[Held[HeldCopies]]) -> None:
        source = task.source
        super().__init__(
            source.network.name, source.network.settings, fit_panel(train), source.scale, len(task.head.labels)
        )
        self._task, self._variants = task, variants

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `wardround-panel-model`."""
        alike = self._variants.height - len(self.panel.kept)
        notes = f"{counted(alike, 'variant')} of the panel left out: the same in all training samples" if alike else ""
        more = {"genome_build": self._task.source.build, "prepare": list(self._task.steps), "notes": notes}
        return written(lambda folder: write_trained(folder, self, self._variants, members, self._task.head, **more))


class PanelRecipes:
    """Implements `workers.training.job.recipes.Recipes`. `store` is that of the run, where the matched panel lies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _variants(self) -> pl.DataFrame:
        return matched_panel(self._store)

    def examples(self, rows: pa.Table) -> HeldExamples[HeldCopies]:
        """Samples of one panel."""
        held = HeldCopies(rows)
        return HeldExamples(held, len(held))

    def open(self, task: FitTask, train: Sequence[Held[HeldCopies]]) -> FittedPanelRecipe:
        """With the frequencies of the training samples."""
        return FittedPanelRecipe(task, self._variants, train)
