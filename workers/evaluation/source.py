"""The run that is evaluated, and the columns that are read of it."""

from dataclasses import dataclass

import polars as pl

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import nearest
from workers.evaluation.columns import score_column, wanted
from workers.evaluation.joining import ID, STATUS_PREFIX
from workers.evaluation.settings import EvaluateInput
from workers.finished_runs.run import FinishedRun, open_run


@dataclass(frozen=True)
class Source:
    """A finished run under the settings of an evaluation. `labelled` are the columns of the labels."""

    settings: EvaluateInput
    run: FinishedRun
    labelled: frozenset[str]

    def check(self) -> None:
        """Raises SpecError for a column that is nowhere, with the nearest one."""
        columns = self.run.schema().names
        for name, outcome in self.settings.outcomes.items():
            _require(outcome.score, columns, f"outcomes.{name}.score", "rows of the run")
        if self.settings.labels is not None:
            _require(self.settings.labels.on, columns, "labels.on", "rows of the run")
        both = [*self.labelled, *columns]
        for column, asked_by in wanted(self.settings).items():
            _require(column, both, asked_by, "labels nor the rows of the run" if self.labelled else "rows of the run")

    def rows(self, shard: int) -> pl.DataFrame:
        """What an evaluation needs of one shard, in plan order: scores and statuses by outcome, ids, other columns."""
        asked = self._columns()
        table = self.run.stage.rows(shard, sorted(set(asked.values())))
        return pl.DataFrame(pl.from_arrow(table)).select(pl.col(there).alias(name) for name, there in asked.items())

    def _columns(self) -> dict[str, str]:
        """By the name that it gets: the column of the run's rows."""
        models = self.run.run.models
        outputs = {column.name: column.model for column in self.run.run.columns if column.model in models}
        asked = {"subject_id": "subject_id"}
        if self.settings.labels is not None:
            asked[ID] = self.settings.labels.on
        for name, outcome in self.settings.outcomes.items():
            asked[score_column(name)] = outcome.score
            asked[STATUS_PREFIX + name] = self.run.run.status_column(outputs.get(outcome.score))
        others = (column for column in wanted(self.settings) if column not in self.labelled)
        return asked | {column: column for column in others}


def open_source(settings: EvaluateInput, storage: StorageSettings, labelled: frozenset[str]) -> Source:
    """The finished run that is evaluated. Raises UsageError where there is none, IncompleteError for an unfinished."""
    return Source(settings, open_run(settings.run, storage), labelled)


def _require(column: str, among: list[str], asked_by: str, where: str) -> None:
    if column not in among:
        hint = nearest(column, among) or "."
        raise SpecError(
            f"input.{asked_by}: no column {column!r} in the {where}{hint} There: {', '.join(sorted(set(among)))}"
        )
