"""The models of a stage in a worker: where their directories lie, and the steps that this run has for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cluster.storage import fetch_directory
from workers.contract import ModelCard
from workers.engine.context import StageContext
from workers.genomics.genotypes.outputs import PANEL, with_columns
from workers.genomics.genotypes.steps import Steps, parse_steps
from workers.models.detect import describe

_COLLECTION = "genotypes"


@dataclass(frozen=True)
class OpenedModel:
    """One model of the run."""

    name: str
    directory: Path
    card: ModelCard
    steps: Steps

    @property
    def is_panel(self) -> bool:
        """A network over a panel, not a directory of scores."""
        return self.card.format == PANEL


def open_models(context: StageContext) -> list[OpenedModel]:
    """Every model, in the run's order, the files those that the run names. Loads no weights."""
    return [_open(context, name) for name in context.run.models]


def _open(context: StageContext, name: str) -> OpenedModel:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    _, card = describe(fetched.path, _COLLECTION)
    steps = parse_steps(list(context.run.prepare[name]))
    return OpenedModel(name, fetched.path, card if card.format == PANEL else with_columns(card, steps), steps)
