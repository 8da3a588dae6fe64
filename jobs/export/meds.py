"""Predictions of a binary task as MEDS has them, so that meds-evaluation and MEDS-DEV read them unchanged.

The schema is that of meds-evaluation 0.0.6, which is closed: `subject_id` int64, `prediction_time` timestamp[us],
`boolean_value` bool where the truth is known, `predicted_boolean_value` bool, `predicted_boolean_probability` float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from cluster.storage import StorageSettings, Store
from jobs.export.target import open_target
from schemas.errors import UsageError
from schemas.loading import nearest
from schemas.rows import OutputColumn
from schemas.status import Status
from workers.runs.run import FinishedRun, finished_run

TRUTH = "boolean_value"
THRESHOLD = 0.5
_TIME = pa.timestamp("us")
_OTHER_TRUTHS = ("integer_value", "float_value", "categorical_value")


@dataclass(frozen=True)
class ScoreColumn:
    """The probabilities of a run's rows, and the status that says which of them there are."""

    name: str
    status: str


@dataclass
class MedsExport:
    """What was written. `left_out` are rows without a prediction, by status; `truth_missing` those without a truth."""

    uri: str
    score: str
    threshold: float
    has_truth: bool = False
    files: int = 0
    bytes: int = 0
    predictions: int = 0
    positive: int = 0
    truth_missing: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def export_meds(
    store: Store, to: str, storage: StorageSettings, score: str | None = None, threshold: float = THRESHOLD
) -> MedsExport:
    """Write `shard-<n>.parquet` under `to` for every shard, then `export.json`.

    A probability at or above `threshold` is predicted true. Truth is written if the rows carry `boolean_value` and
    every prediction has it. Raises UsageError for rows that are no binary predictions over subjects, IncompleteError
    for a run without a manifest, FingerprintError where something else lies at `to`.
    """
    if not 0 <= threshold <= 1:
        raise UsageError("--threshold must lie between 0 and 1")
    source = finished_run(store)
    column = score_column(source, score)
    made = MedsExport(to, column.name, threshold)
    _look(source, column, made)
    target = open_target(
        to, storage, source, "meds", {"score": column.name, "threshold": threshold, "truth": made.has_truth}
    )
    made.uri = target.store.uri
    target.refuse_strangers([_key(shard) for shard in source.shards()])
    for shard, rows in _predictions(source, column, made.has_truth):
        table = _as_meds(rows, column, threshold, made.has_truth)
        made.positive += pc.sum(table["predicted_boolean_value"]).as_py() or 0
        extra = {"shard": str(shard), "score": column.name, "threshold": repr(threshold)}
        target.write_table(_key(shard), table, extra)
    made.files, made.bytes = target.files, target.size
    target.finish(
        {
            "score": column.name,
            "threshold": threshold,
            "truth": made.has_truth,
            "predictions": made.predictions,
            "left_out": dict(sorted(made.left_out.items())),
        }
    )
    return made


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


def _key(shard: int) -> str:
    return f"shard-{shard:06d}.parquet"


def _look(source: FinishedRun, column: ScoreColumn, made: MedsExport) -> None:
    """Count before anything is written: whether every prediction has its truth, and is a probability."""
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
            f"{outside} values of {column.name} are no probabilities between 0 and 1: "
            "--score must name a column that has them"
        )
    made.has_truth = TRUTH in kinds and not made.truth_missing


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
