"""Predictions of a binary task as MEDS has them, so that meds-evaluation and MEDS-DEV read them unchanged.

The schema is that of meds-evaluation 0.0.6, which is closed: `subject_id` int64, `prediction_time` timestamp[us],
`boolean_value` bool where the truth is known, `predicted_boolean_value` bool, `predicted_boolean_probability` float32.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.target import Target, shard_file
from schemas.errors import UsageError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.status import Status
from schemas.wording import counted
from workers.finished_runs.run import FinishedRun

TRUTH = "boolean_value"
_TIME = pa.timestamp("us")
_OTHER_TRUTHS = ("integer_value", "float_value", "categorical_value")


@dataclass(frozen=True)
class ScoreColumn:
    """The probabilities of a run's rows, and the status that says which of them there are."""

    name: str
    status: str


@dataclass
class Counts:
    """What there is to write. `left_out` are rows without a prediction, by status; `truth_missing` those without a
    truth."""

    predictions: int = 0
    truth_missing: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def has_truth(self) -> bool:
        """Whether every prediction has one."""
        return not self.truth_missing


class MedsExport(Export):
    """`shard-<n>.parquet` for every shard. A probability at or above `threshold` is predicted true. Truth is written
    if the rows carry `boolean_value` and every prediction has it."""

    format = "meds"
    title = "predictions over events in the schema of meds-evaluation"

    score: str | None = Field(None, description="the column of probabilities, where the run has several scores")
    threshold: float = Field(0.5, ge=0, le=1, description="predicted true from here on")

    def plan(self, source: FinishedRun) -> ExportPlan:
        """The predictions to write. Rows are read once first, so that a run without probabilities leaves no files."""
        column = score_column(source, self.score)
        counts = _count(source, column)
        return ExportPlan(
            {"score": column.name, "threshold": self.threshold, "truth": counts.has_truth},
            [shard_file(shard) for shard in source.shards()],
            lambda target: self._write(target, source, column, counts),
        )

    def _write(self, target: Target, source: FinishedRun, column: ScoreColumn, counts: Counts) -> Written:
        positive = 0
        for shard, rows in _predictions(source, column, counts.has_truth):
            table = _as_meds(rows, column, self.threshold, counts.has_truth)
            positive += pc.sum(table["predicted_boolean_value"]).as_py() or 0
            extra = {"shard": str(shard), "score": column.name, "threshold": repr(self.threshold)}
            target.write_table(shard_file(shard), table, extra)
        figures = {
            "score": column.name,
            "threshold": self.threshold,
            "truth": counts.has_truth,
            "predictions": counts.predictions,
            "positive": positive,
            "truth_missing": counts.truth_missing,
            "left_out": dict(sorted(counts.left_out.items())),
        }
        shown = [
            ("score", column.name),
            ("predictions", f"{counts.predictions:,}, {positive:,} at or above {self.threshold}"),
            ("truth", TRUTH if counts.has_truth else "none"),
        ]
        return Written(figures, shown, tuple(_notes(counts)))


def _notes(counts: Counts) -> Iterator[str]:
    if counts.left_out:
        by_status = ", ".join(f"{status} {count}" for status, count in sorted(counts.left_out.items()))
        yield f"{counted(counts.left_out.total(), 'row')} without a prediction left out: {by_status}"
    if 0 < counts.truth_missing < counts.predictions:
        missing = f"{counts.truth_missing} of {counts.predictions} predictions"
        yield f"{TRUTH} is null in {missing}: truth is left out of all"


def score_column(source: FinishedRun, wanted: str | None) -> ScoreColumn:
    """The column that was asked for, or else the only score. Raises UsageError with the columns to choose from."""
    run = source.run
    if "prediction_time" not in run.carry:
        raise UsageError("the rows have no prediction_time: only runs over events can be exported to MEDS")
    numbers = {column.name: column for column in run.columns if column.output and column.type in ("float32", "float64")}
    scores = [column for column in numbers.values() if column.output.startswith("score")]
    if wanted is not None:
        if wanted not in numbers:
            raise UsageError(
                f"--score {wanted!r} is no column of probabilities of this run{nearest(wanted, numbers)} "
                f"It has {', '.join(numbers) or 'none'}"
            )
        return _with_status(numbers[wanted], source)
    if len(scores) != 1:
        raise UsageError(
            f"--score must say which column is the probability: {', '.join(numbers) or 'the run has none'}"
        )
    return _with_status(scores[0], source)


def _with_status(column: OutputColumn, source: FinishedRun) -> ScoreColumn:
    return ScoreColumn(column.name, source.status_column(column.model))


def _count(source: FinishedRun, column: ScoreColumn) -> Counts:
    """Count before anything is written. Raises UsageError for what is no probability."""
    made = Counts()
    schema = source.schema()
    kinds = {name: schema.field(name).type for name in schema.names}
    if kinds["prediction_time"] != _TIME:
        raise UsageError(f"prediction_time of the rows is {kinds['prediction_time']}, MEDS has {_TIME}")
    others = [name for name in _OTHER_TRUTHS if name in kinds]
    if TRUTH in kinds and kinds[TRUTH] != pa.bool_():
        raise UsageError(f"{TRUTH} of the rows is {kinds[TRUTH]}, MEDS has bool: carry labels of a binary task")
    if others and TRUTH not in kinds:
        raise UsageError(f"the rows carry {others[0]}: MEDS has no schema for predictions but those of a binary task")
    outside = 0
    for _, rows in source.tables([column.status, column.name, *([TRUTH] if TRUTH in kinds else [])]):
        status = rows[column.status].cast(pa.string())
        for count in pc.value_counts(status.combine_chunks()).to_pylist():
            if count["values"] != Status.OK:
                made.left_out[count["values"]] += count["counts"]
        good = rows.filter(pc.equal(status, Status.OK.value))
        made.predictions += good.num_rows
        made.truth_missing += good[TRUTH].null_count if TRUTH in kinds else good.num_rows
        outside += good.num_rows - (pc.sum(_is_probability(good[column.name])).as_py() or 0)
    if outside:
        raise UsageError(
            f"{counted(outside, 'value')} of {column.name} outside of 0 to 1, so no probabilities: "
            "--score must name a column that has them"
        )
    return made


def _is_probability(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.and_(pc.greater_equal(values, 0), pc.less_equal(values, 1)), False)


def _predictions(source: FinishedRun, column: ScoreColumn, has_truth: bool) -> Iterator[tuple[int, pa.Table]]:
    names = ["subject_id", "prediction_time", column.status, column.name, *([TRUTH] if has_truth else [])]
    for shard, rows in source.tables(names):
        yield shard, rows.filter(pc.equal(rows[column.status].cast(pa.string()), Status.OK.value))


def _as_meds(rows: pa.Table, column: ScoreColumn, threshold: float, has_truth: bool) -> pa.Table:
    probability = rows[column.name].cast(pa.float32())
    columns: Mapping[str, pa.ChunkedArray] = {
        "subject_id": rows["subject_id"].cast(pa.int64()),
        "prediction_time": rows["prediction_time"],
        **({TRUTH: rows[TRUTH]} if has_truth else {}),
        "predicted_boolean_value": pc.greater_equal(probability.cast(pa.float64()), threshold),
        "predicted_boolean_probability": probability,
    }
    return pa.table(dict(columns))
