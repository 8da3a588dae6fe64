"""Stage `join`: a shard of the run at a time."""

from typing import Any

import polars as pl
import pyarrow as pa

from schemas.rows import stage_columns
from schemas.run import stage_directory
from schemas.status import Status
from workers.evaluation.columns import JOIN, PART, RECORD, fault_column, group_column, score_column, truth_column
from workers.evaluation.joining import joined
from workers.evaluation.masks import open_masks
from workers.evaluation.remarks import looked_at
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.source import Source
from workers.labels.table import ROW
from workers.labels.truths import MOST
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    JOIN,
    ("joined", "string", "key of the joined rows"),
    ("rows", "int64", "rows of the shard"),
    ("flow", "list<struct<outcome: string, part: string, state: string, rows: int64>>", "rows by what became of them"),
    ("groups", "list<struct<group: string, value: string>>", "values of groups among test rows"),
)

EVALUATED, NOT_SCORED, NO_LABEL, NO_TRUTH, NOT_A_NUMBER = "evaluated", "not scored", "no label", "no truth", "NaN score"
INFINITE = "infinite score"


class JoinStage(ShardStage):
    """Writes the joined rows of each shard as a side object, and counts what cannot be evaluated, and why."""

    def __init__(self, context: StageContext, source: Source, labels: pl.DataFrame | None) -> None:
        self._context = context
        self._source = source
        self._labels = labels
        self._others = source.others()
        self._beside = source.beside(labels)
        self._masks = open_masks(source.settings, source.run.store, context.storage)
        self._looked_at = frozenset(looked_at(source.run.run.plan))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """One record: one shard of the run that is evaluated."""
        (number,) = records["member"].to_pylist()
        beside = self._beside if number in self._looked_at else ()
        found = self._source.rows(number, beside)
        if self._others is not None:
            found = found.join(self._others, on=RECORD, how="left", maintain_order="left")
        rows = joined(found, self._labels, self._source.settings, beside, self._masks)
        body = encode_frame(rows, self._context.run.fingerprint)
        key = f"{stage_directory(JOIN)}joined/{number:06d}.parquet"
        values: dict[str, Any] = {
            "joined": [key],
            "rows": [rows.height],
            "flow": [flow(rows, self._source.settings)],
            "groups": [_groups(rows, self._source.settings)],
        }
        table = build_rows(records, self._context.layout, values, [Status.OK])
        return ShardTable(table, side=[SideObject(key, body)])


def flow(rows: pl.DataFrame, source: EvaluateInput) -> list[dict[str, Any]]:
    """How many rows of each part are evaluated for each outcome, and why the others are not."""
    found = []
    for name in source.outcomes:
        counted = rows.group_by(pl.col(PART).fill_null("left out"), state(name, source).alias("state")).len()
        found += [
            {"outcome": name, "part": part, "state": why, "rows": count}
            for part, why, count in counted.sort(pl.all()).rows()
        ]
    return found


def state(outcome: str, source: EvaluateInput) -> pl.Expr:
    """What becomes of a joined row in an evaluation of this outcome."""
    scores = [pl.col(score_column(outcome, one)) for one in source.outcomes[outcome].columns()]
    truth = pl.col(truth_column(outcome))
    has_masks = source.outcomes[outcome].task == "segmentation"
    fault = pl.col(fault_column(outcome)) if has_masks else pl.lit(None, pl.String)
    unlabelled = pl.col(ROW).is_null() & truth.is_null() if source.labels is not None else pl.lit(False)
    return (
        pl.when(pl.any_horizontal(score.is_null() for score in scores))
        .then(pl.lit(NOT_SCORED))
        .when(unlabelled)
        .then(pl.lit(NO_LABEL))
        .when(truth.is_null() | truth.is_nan())
        .then(pl.lit(NO_TRUTH))
        .when(fault.is_not_null())
        .then(fault)
        .when(pl.any_horizontal(score.is_nan() for score in scores))
        .then(pl.lit(NOT_A_NUMBER))
        .when(pl.any_horizontal(score.abs() > MOST for score in scores))
        .then(pl.lit(INFINITE))
        .otherwise(pl.lit(EVALUATED))
    )


def _groups(rows: pl.DataFrame, source: EvaluateInput) -> list[dict[str, str]]:
    tested = rows.filter(pl.col(PART) == "test")
    return [
        {"group": name, "value": value}
        for name in source.groups
        for value in tested[group_column(name)].drop_nulls().unique().sort()
    ]
