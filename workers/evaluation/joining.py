"""Rows of a run with what was true of each."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from schemas.status import Status
from workers.evaluation.columns import (
    CALIBRATED_BY,
    PART,
    SUBJECT,
    TEST,
    TUNING,
    fault_column,
    group_column,
    masks_column,
    other_column,
    score_column,
    side_column,
    spans_column,
    truth_column,
    wanted,
)
from workers.evaluation.entities import with_spans
from workers.evaluation.masks import MaskFiles, with_masks
from workers.evaluation.settings import EvaluateInput, Group, Outcome
from workers.labels.matching import matches
from workers.labels.table import ROW, ids_of, with_labels
from workers.labels.truths import binary_truth, class_truth, number_truth, numbers, plain

ID = "run.id"
"""Column of the run's rows that the labels' ids are of."""
STATUS_PREFIX = "status."


def joined(
    rows: pl.DataFrame,
    labels: pl.DataFrame | None,
    source: EvaluateInput,
    beside: Sequence[str] = (),
    masks: MaskFiles | None = None,
) -> pl.DataFrame:
    """A line for each of `rows` (`needed_columns`): part, subject, number of its label, groups, scores and truths, and
    the columns `beside` of rows or labels. `masks` are the files of outcomes of segmentation.

    A score is null where the row, or its model among several, is not `ok`. Raises SpecError for a truth, or a group in
    bands, that is no number.
    """
    both = rows
    if labels is not None and source.labels is not None:
        rows = rows.with_columns(ids_of(source.labels, pl.col(ID), rows.schema[ID]))
        both = with_labels(rows, ID, labels, source.labels.key)
    spans = [name for name, outcome in source.outcomes.items() if outcome.task == "entities"]
    for name in spans:
        both = with_spans(both, name, source.outcomes[name])
    marked = [name for name, outcome in source.outcomes.items() if outcome.task == "segmentation"]
    for name in marked:
        assert masks is not None
        both = with_masks(both, name, source.outcomes[name], masks)
    for column, asked_by in wanted(source).items():
        if column not in {source.outcomes[name].truth for name in spans}:
            both = both.with_columns(plain(both[column], asked_by))
    columns: list[pl.Expr | pl.Series | str] = [_part(source), pl.col("subject_id").alias(SUBJECT)]
    columns += [spans_column(name) for name in spans]
    columns += [column(name) for name in marked for column in (masks_column, fault_column)]
    columns.append(pl.col(ROW) if ROW in both.columns else pl.lit(None, pl.UInt32).alias(ROW))
    if source.calibration is not None and source.calibration.by:
        columns.append(pl.col(source.calibration.by).cast(pl.String).alias(CALIBRATED_BY))
    columns += _groups(both, source)
    for name, outcome in source.outcomes.items():
        fine = pl.col(STATUS_PREFIX + name) == Status.OK
        scores = [score_column(name, one) for one in outcome.columns()]
        columns += [pl.when(fine).then(pl.col(score).cast(pl.Float64)).alias(score) for score in scores]
        columns.append(truth_column(name) if name in (*spans, *marked) else _truth(both, name, outcome))
        if other_column(name) in both.columns:
            columns.append(pl.col(other_column(name)).cast(pl.Float64))
    columns += [pl.col(column).alias(side_column(column)) for column in beside]
    return both.select(columns)


def _part(source: EvaluateInput) -> pl.Expr:
    tuning = matches(source.tuning) if source.tuning else pl.lit(False)
    test = matches(source.test) if source.test else pl.lit(True)
    return pl.when(tuning).then(pl.lit(TUNING)).when(test).then(pl.lit(TEST)).alias(PART)


def _truth(both: pl.DataFrame, name: str, outcome: Outcome) -> pl.Series:
    where, column = f"outcomes.{name}.truth", both[outcome.truth]
    if outcome.task == "number":
        found = number_truth(column, where)
    elif outcome.task == "classes":
        found, _ = class_truth(column, tuple(outcome.scores), where)
    else:
        is_said = "positive" in outcome.model_fields_set
        found = binary_truth(column, outcome.positive, outcome.negative, where, is_said=is_said)
    return found.alias(truth_column(name))


def _groups(both: pl.DataFrame, source: EvaluateInput) -> list[pl.Series]:
    """The column of each group; a crossed one holds combinations, null where a row lacks one of them."""
    plain_ones = {name: _group(both, name, group) for name, group in source.groups.items() if not group.cross}
    table = pl.DataFrame(list(plain_ones.values()))
    found = []
    for name, group in source.groups.items():
        parts = [pl.format(f"{one}={{}}", group_column(one)) for one in group.cross]
        crossed = table.select(pl.concat_str(parts, separator=", ").alias(group_column(name))) if parts else None
        found.append(plain_ones[name] if crossed is None else crossed.to_series())
    return found


def _group(both: pl.DataFrame, name: str, group: Group) -> pl.Series:
    column = both[group.column or name]
    if group.bands:
        where = f"groups.{name}.bands"
        column = numbers(column, where, "leave bands out, or name another column")
        column = column.cut(list(group.bands), labels=bands(group.bands), left_closed=True)
    return column.cast(pl.String).alias(group_column(name))


def bands(bounds: Sequence[float]) -> list[str]:
    """Names of the bands between these bounds, from the lowest on."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
    return [f"below {bounds[0]:g}", *inner, f"{bounds[-1]:g} and above"]
