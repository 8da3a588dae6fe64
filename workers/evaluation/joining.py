"""Rows of a run with what was true of each."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from schemas.errors import SpecError
from schemas.status import Status
from workers.evaluation.columns import (
    CALIBRATED_BY,
    PART,
    SUBJECT,
    TEST,
    TUNING,
    group_column,
    other_column,
    score_column,
    spans_column,
    truth_column,
)
from workers.evaluation.entities import with_spans
from workers.evaluation.settings import EvaluateInput, Group, Outcome
from workers.labels.matching import is_one_of, matches
from workers.labels.table import ROW

ID = "run.id"
"""Column of the run's rows that the labels' ids are of."""
STATUS_PREFIX = "status."


def joined(rows: pl.DataFrame, labels: pl.DataFrame | None, source: EvaluateInput) -> pl.DataFrame:
    """A line for each of `rows` (`needed_columns`): part, subject, number of its label, groups, scores and truths.

    A score is null where the row, or its model among several, is not `ok`. Raises SpecError for a truth, or a group in
    bands, that is no number.
    """
    both = rows
    if labels is not None and source.labels is not None:
        ids = pl.col(ID).cast(pl.String)
        both = rows.with_columns(ids).join(
            labels, left_on=ID, right_on=source.labels.key, how="left", maintain_order="left"
        )
    spans = [name for name, outcome in source.outcomes.items() if outcome.task == "entities"]
    for name in spans:
        both = with_spans(both, name, source.outcomes[name])
    columns: list[pl.Expr | str] = [_part(source), pl.col("subject_id").alias(SUBJECT)]
    columns += [spans_column(name) for name in spans]
    columns.append(pl.col(ROW) if ROW in both.columns else pl.lit(None, pl.UInt32).alias(ROW))
    if source.calibration is not None and source.calibration.by:
        columns.append(pl.col(source.calibration.by).cast(pl.String).alias(CALIBRATED_BY))
    columns += [_group(name, group) for name, group in source.groups.items()]
    for name, outcome in source.outcomes.items():
        fine = pl.col(STATUS_PREFIX + name) == Status.OK
        scores = [score_column(name, one) for one in outcome.columns()]
        columns += [pl.when(fine).then(pl.col(score).cast(pl.Float64)).alias(score) for score in scores]
        columns.append(truth_column(name) if name in spans else _truth(name, outcome))
        if other_column(name) in both.columns:
            columns.append(pl.col(other_column(name)).cast(pl.Float64))
    try:
        return both.select(columns)
    except pl.exceptions.InvalidOperationError:
        raise SpecError(
            "input: a truth of a number, or a group in bands, holds something that is no number: "
            "correct the labels, or the column that is named"
        ) from None


def _part(source: EvaluateInput) -> pl.Expr:
    tuning = matches(source.tuning) if source.tuning else pl.lit(False)
    test = matches(source.test) if source.test else pl.lit(True)
    return pl.when(tuning).then(pl.lit(TUNING)).when(test).then(pl.lit(TEST)).alias(PART)


def _truth(name: str, outcome: Outcome) -> pl.Expr:
    if outcome.task == "number":
        return pl.col(outcome.truth).cast(pl.Float64).alias(truth_column(name))
    if outcome.task == "classes":
        numbers = {value: float(number) for number, value in enumerate(outcome.scores)}
        text = pl.col(outcome.truth).cast(pl.String)
        return text.replace_strict(numbers, default=None, return_dtype=pl.Float64).alias(truth_column(name))
    positive = is_one_of(outcome.truth, outcome.positive)
    negative = pl.col(outcome.truth).is_not_null()
    if outcome.negative is not None:
        negative = is_one_of(outcome.truth, outcome.negative)
    return pl.when(positive).then(1.0).when(negative).then(0.0).alias(truth_column(name))


def _group(name: str, group: Group) -> pl.Expr:
    column = pl.col(group.column or name)
    if group.bands:
        labels = bands(group.bands)
        column = column.cast(pl.Float64).cut(list(group.bands), labels=labels, left_closed=True)
    return column.cast(pl.String).alias(group_column(name))


def bands(bounds: Sequence[float]) -> list[str]:
    """Names of the bands between these bounds, from the lowest on."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
    return [f"below {bounds[0]:g}", *inner, f"{bounds[-1]:g} and above"]
