"""The run that is evaluated, and the columns that are read of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.status import Status
from workers.calibration.document import NUMBERS, calibrated_name, scoring_digest
from workers.evaluation.columns import RECORD, other_column, score_column, wanted
from workers.evaluation.joining import ID, STATUS_PREFIX
from workers.evaluation.settings import EvaluateInput, Outcome
from workers.finished_runs.run import FinishedRun, open_run
from workers.labels.columns import require

_MASKS = "object<nii.gz>"


@dataclass(frozen=True)
class Source:
    """A finished run under the settings of an evaluation. `labelled` are the columns of the labels."""

    settings: EvaluateInput
    run: FinishedRun
    labelled: frozenset[str]
    other: FinishedRun | None = None

    def check(self) -> None:
        """Raises SpecError for a column that is nowhere, with the nearest one."""
        schema = self.run.schema()
        columns = schema.names
        for name, outcome in self.settings.outcomes.items():
            for one, column in outcome.columns().items():
                where = f"outcomes.{name}.score{'s.' + one if one else ''}"
                require(column, columns, where, "rows of the run")
                _check_score(schema, column, where, outcome)
                if outcome.task == "segmentation":
                    self._check_masks(column, where)
            self._refuse_scores_as_truth(name, outcome)
        if self.other is not None:
            there = self.other.schema()
            for name, column in self._compared().items():
                require(column, there.names, f"compare.scores.{name}", "rows of the run that is compared")
                _check_score(there, column, f"compare.scores.{name}", self.settings.outcomes[name])
        if self.settings.labels is not None:
            require(self.settings.labels.on, columns, "labels.on", "rows of the run")
        for name in self.settings.calibrated:
            self._calibrated(name)
        both = [*self.labelled, *columns]
        for column, asked_by in wanted(self.settings).items():
            require(column, both, asked_by, "labels nor the rows of the run" if self.labelled else "rows of the run")

    def _check_masks(self, column: str, where: str) -> None:
        """Raises SpecError for a column of the run that has no masks as NIfTI."""
        kinds = {one.name: one.type for one in self.run.run.columns}
        if kinds.get(column) != _MASKS:
            there = [name for name, kind in kinds.items() if kind == _MASKS]
            remedy = f"name {' or '.join(there)}" if there else "run predict with input.segmentation.masks: [nifti]"
            raise SpecError(f"input.{where}: {column!r} has no masks as NIfTI: {remedy}")

    def _refuse_scores_as_truth(self, name: str, outcome: Outcome) -> None:
        """Raises SpecError for a score that would be held against itself."""
        if outcome.truth in outcome.columns().values() and outcome.truth not in self.labelled:
            raise SpecError(
                f"input.outcomes.{name}: {outcome.truth!r} is score and truth, which would agree: name what was true"
            )

    def calibrated(self) -> dict[str, dict[str, Any]]:
        """By calibrated outcome: the model whose outputs its scores are, these outputs, and the model's digest."""
        found = {}
        for name in self.settings.calibrated:
            columns = self._calibrated(name)
            model = self.run.run.models.get(columns[0].model)
            digest = "" if model is None else scoring_digest(model.files)
            outputs = [column.output for column in columns]
            found[name] = {"model": columns[0].model, "outputs": outputs, "digest": digest}
        return found

    def _calibrated(self, outcome: str) -> list[OutputColumn]:
        """The columns of an outcome's scores. Raises SpecError where they cannot be calibrated."""
        scores = self.settings.outcomes[outcome].columns().values()
        found = [self._calibrated_column(outcome, score) for score in scores]
        if len({column.model for column in found}) > 1:
            raise SpecError(f"input.calibration: outcome {outcome}: its classes are scores of several models")
        return found

    def _calibrated_column(self, outcome: str, score: str) -> OutputColumn:
        where = f"input.calibration: outcome {outcome}"
        column = next((one for one in self.run.run.columns if one.name == score and one.output), None)
        if column is None:
            raise SpecError(f"{where}: {score!r} is carried, and only an output of a model can be calibrated")
        if column.type not in NUMBERS:
            raise SpecError(f"{where}: {score!r} is of type {column.type}, and only a number can be calibrated")
        for raw in self.run.run.columns:
            if raw.model == column.model and column.output == calibrated_name(raw.output):
                raise SpecError(f"{where}: {score!r} is calibrated already: name {raw.name!r}, the score it is made of")
        by = self.settings.calibration.by if self.settings.calibration is not None else ""
        if by and (by in self.labelled or by not in self.run.run.carry):
            hint = nearest(by, self.run.run.carry) or "."
            raise SpecError(
                f"input.calibration.by: {by!r} must be a carried column of the run, and none of the labels{hint} "
                f"Carried: {', '.join(self.run.run.carry) or 'none'}"
            )
        return column

    def beside(self, labels: pl.DataFrame | None) -> list[str]:
        """Carried columns and those of the labels that the evaluation does not take for ids, parts or truths."""
        run, settings = self.run.run, self.settings
        used = {outcome.truth for outcome in settings.outcomes.values()} | {*settings.tuning, *settings.test}
        nested: set[str] = set()
        if labels is not None and settings.labels is not None:
            used |= {settings.labels.key, settings.labels.on}
            nested = {name for name, kind in labels.schema.items() if kind.is_nested()}
        return sorted({*run.carry, *run.header_carry, *self.labelled} - used - nested)

    def rows(self, shard: int, beside: Sequence[str] = ()) -> pl.DataFrame:
        """What an evaluation needs of one shard, in plan order: scores and statuses by outcome, ids, other columns, and
        those of `beside` that the labels have not."""
        asked = self._columns() | {column: column for column in beside if column not in self.labelled}
        table = self.run.stage.rows(shard, sorted(set(asked.values())))
        return pl.DataFrame(pl.from_arrow(table)).select(pl.col(there).alias(name) for name, there in asked.items())

    def others(self) -> pl.DataFrame | None:
        """The scores of the other run by record, of rows that are `ok` there; None where none is compared."""
        if self.other is None:
            return None
        models = self.other.run.models
        outputs = {column.name: column.model for column in self.other.run.columns if column.model in models}
        asked = {RECORD: "record_id"}
        for name, column in self._compared().items():
            asked |= {
                other_column(name): column,
                STATUS_PREFIX + name: self.other.run.status_column(outputs.get(column)),
            }
        rows = pl.DataFrame(pl.from_arrow(self.other.stage.all_rows(sorted(set(asked.values())))))
        rows = rows.select(pl.col(there).alias(name) for name, there in asked.items())
        scores = (
            pl.when(pl.col(STATUS_PREFIX + name) == Status.OK).then(other_column(name)).alias(other_column(name))
            for name in self._compared()
        )
        return rows.select(RECORD, *scores)

    def _compared(self) -> dict[str, str]:
        named = self.settings.compare.scores if self.settings.compare is not None else {}
        binary = {name: one for name, one in self.settings.outcomes.items() if one.task == "binary"}
        return {name: named.get(name, outcome.score) for name, outcome in binary.items()}

    def _columns(self) -> dict[str, str]:
        """By the name that it gets: the column of the run's rows."""
        models = self.run.run.models
        outputs = {column.name: column.model for column in self.run.run.columns if column.model in models}
        asked = {RECORD: "record_id", "subject_id": "subject_id"}
        if self.settings.labels is not None:
            asked[ID] = self.settings.labels.on
        for name, outcome in self.settings.outcomes.items():
            columns = outcome.columns()
            asked |= {score_column(name, one): column for one, column in columns.items()}
            # The scores of one outcome are of one model: its first column names it.
            asked[STATUS_PREFIX + name] = self.run.run.status_column(outputs.get(next(iter(columns.values()))))
        others = (column for column in wanted(self.settings) if column not in self.labelled)
        return asked | {column: column for column in others}


def _check_score(schema: pa.Schema, column: str, where: str, outcome: Outcome) -> None:
    """Raises SpecError for scores that are no numbers, where the task needs some."""
    kind = schema.field(column).type
    if outcome.task not in ("entities", "segmentation") and not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ):
        raise SpecError(
            f"input.{where}: {column!r} is of type {kind}, and the score of task {outcome.task} is a number: name "
            "another column"
        )


def open_source(settings: EvaluateInput, storage: StorageSettings, labelled: frozenset[str]) -> Source:
    """The finished run that is evaluated. Raises UsageError where there is none, IncompleteError for an unfinished."""
    other = None if settings.compare is None else open_run(settings.compare.run, storage)
    return Source(settings, open_run(settings.run, storage), labelled, other)
