"""The models of a stage in a worker: where their directories lie, and the steps that this run has for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contract import Format, ModelCard
from workers.genomics.genotypes.outputs import PANEL, with_columns
from workers.genomics.genotypes.steps import Steps, parse_steps
from workers.models.detect import Formats
from workers.pipeline.context import StageContext
from workers.pipeline.opened import RunModels


@dataclass(frozen=True)
class GenotypeModel:
    """One model of the run."""

    name: str
    directory: Path
    card: ModelCard
    steps: Steps

    @property
    def is_panel(self) -> bool:
        """A network over a panel, not a directory of scores."""
        return self.card.format == PANEL


def open_models(context: StageContext) -> list[GenotypeModel]:
    """Every model, in the run's order, the files those that the run names. Loads no weights."""
    opened = RunModels(context, Formats[Format]("genotypes"), settle)
    return [GenotypeModel(one.name, one.directory, one.card, parse_steps(list(one.steps))) for one in opened]


def settle(card: ModelCard, steps: Sequence[Any]) -> ModelCard:
    """The card under a prepare list: of a directory of scores with all columns that its steps ask for."""
    return card if card.format == PANEL else with_columns(card, parse_steps(list(steps)))
