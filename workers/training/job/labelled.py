"""Records with what is true of each and the split that they belong to; driver and workers join them in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.status import Status
from schemas.wording import counted
from workers.finished_runs.stage import FinishedStage
from workers.labels.columns import require
from workers.labels.matching import is_one_of
from workers.labels.table import ROW
from workers.training.job.settings import PARTS, Output, Splits, TrainKeys
from workers.training.job.splits import dealt, parts_by_hash

PART, STATE, PLACE, FOLD = "part", "state", "place", "fold"
USED, NO_LABEL, NO_TRUTH, NO_SPLIT = "used", "no label", "no truth", "no split"
NO_RECORD = "label without a record"
_ID = "record.id"
_STATUS = "record.status"


@dataclass(frozen=True)
class Labelled:
    """`rows` has a line a record: `place` among all of stage `prepare`, ids, `part`, `state`, `fold` (null without
    folds, and for records that are not learned from), and a column a truth, NaN or null where it is unknown.
    `unmatched` are labels that no record has."""

    rows: pl.DataFrame
    outputs: tuple[str, ...]
    unmatched: int

    def used(self, part: str, fold: int | None = None) -> pl.DataFrame:
        """The records that are learned from (`train`), or tuned on (`tuning`), in the order of the plan; with a fold
        those outside of it, and those in it."""
        if fold is None:
            return self.rows.filter((pl.col(STATE) == USED) & (pl.col(PART) == part))
        return self.rows.filter(pl.col(FOLD) == fold if part == "tuning" else pl.col(FOLD) != fold)

    def shown(self) -> pl.DataFrame:
        """All that any fit reads, in the order of the plan."""
        return self.rows.filter((pl.col(STATE) == USED) & pl.col(PART).is_in(PARTS[:2]))

    def targets(self, part: str, fold: int | None = None) -> NDArray[np.float64]:
        """(records, outputs) as the trainer takes them."""
        rows = self.used(part, fold)
        return rows.select(pl.col(self.outputs).cast(pl.Float64).fill_null(float("nan"))).to_numpy()

    def account(self) -> list[dict[str, Any]]:
        """How many records became what, by split; labels without a record last."""
        counts = self.rows.group_by(pl.col(PART).fill_null("none").alias("split"), pl.col(STATE)).len("records")
        order = [*PARTS, "none"]
        found = sorted(counts.iter_rows(named=True), key=lambda row: (order.index(row["split"]), row[STATE]))
        if self.unmatched:
            found.append({"split": "none", STATE: NO_RECORD, "records": self.unmatched})
        return found


def labelled(stage: FinishedStage, source: TrainKeys, labels: pl.DataFrame | None) -> Labelled:
    """The records of a finished stage `prepare` under the labels. Raises SpecError for labels that do not fit."""
    records = _records(stage, source, labels)
    both = records
    if labels is not None and source.labels is not None:
        key = pl.col(source.labels.key)
        both = records.join(labels, left_on=_ID, right_on=key, how="left", maintain_order="left")
        unmatched = labels.join(records, left_on=source.labels.key, right_on=_ID, how="anti").height
        if unmatched == labels.height:
            raise SpecError(
                f"input.labels: not one of {counted(labels.height, 'label')} belongs to a record: correct labels.key "
                f"({source.labels.key}) or labels.on ({source.labels.on})"
            )
    else:
        unmatched, both = 0, records.with_columns(pl.lit(0, pl.UInt32).alias(ROW))
    names = tuple(source.outputs)
    rows = both.select(
        PLACE, "record_id", "subject_id", _STATUS, ROW, _part(source.splits), *(_truths(both, source))
    ).with_columns(_by_hash(both, source.splits))
    rows = rows.with_columns(_state(names))
    _refuse_torn_subjects(rows)
    rows = rows.select(PLACE, "record_id", "subject_id", PART, STATE, *names).with_columns(_folds(rows, source))
    return Labelled(rows, names, unmatched)


def check_columns(source: TrainKeys, labels: pl.DataFrame | None, carried: Sequence[str]) -> None:
    """Raises SpecError for a column that neither labels nor records have."""
    own = ["record_id", "subject_id", *carried]
    if source.labels is not None:
        require(source.labels.on, own, "labels.on", "records (identity and carried columns)")
    both = [*(labels.columns if labels is not None else ()), *own]
    where = "labels nor the records' carried columns" if labels is not None else "records' carried columns"
    for column, asked_by in _wanted(source).items():
        require(column, both, asked_by, where)


def _wanted(source: TrainKeys) -> dict[str, str]:
    found = {column: f"outputs.{name}.truth" for name, column in source.truths().items()}
    if source.splits.column is not None:
        found[source.splits.column] = "splits.column"
    return found


def _records(stage: FinishedStage, source: TrainKeys, labels: pl.DataFrame | None) -> pl.DataFrame:
    carried = [column for column in _wanted(source) if labels is None or column not in labels.columns]
    on = "record_id" if source.labels is None else source.labels.on
    columns = dict.fromkeys(["record_id", "subject_id", "status", on, *carried])
    table = pl.DataFrame(pl.from_arrow(stage.all_rows(list(columns)).unify_dictionaries()))
    keep = list(dict.fromkeys(["record_id", "subject_id", *carried]))
    return table.select(
        *keep, pl.col("status").cast(pl.String).alias(_STATUS), pl.col(on).cast(pl.String).alias(_ID)
    ).with_row_index(PLACE)


def _truths(both: pl.DataFrame, source: TrainKeys) -> list[pl.Expr]:
    return [_truth(both, name, source.truths()[name], output) for name, output in source.outputs.items()]


def _truth(both: pl.DataFrame, name: str, column: str, output: Output) -> pl.Expr:
    if output.task == "number":
        values = both.select(pl.col(column).cast(pl.Float64, strict=False)).to_series()
        wrong = values.null_count() - both[column].null_count()
        if wrong:
            raise SpecError(f"input.outputs.{name}: {counted(wrong, 'value')} of {column!r} are no numbers")
        return pl.col(column).cast(pl.Float64).alias(name)
    if output.task == "binary":
        negative = pl.col(column).is_not_null()
        if output.negative is not None:
            negative = is_one_of(column, output.negative)
        return pl.when(is_one_of(column, output.positive)).then(1.0).when(negative).then(0.0).alias(name)
    found = pl.coalesce(
        pl.when(is_one_of(column, value)).then(float(number)) for number, value in enumerate(output.classes)
    )
    unknown = both.filter(pl.col(column).is_not_null()).filter(found.is_null()).height
    if unknown:
        raise SpecError(
            f"input.outputs.{name}: {counted(unknown, 'record')} have a value of {column!r} that is none of `classes` "
            f"({', '.join(map(str, output.classes))}): add it, or leave these labels empty"
        )
    return found.alias(name)


def _part(splits: Splits) -> pl.Expr:
    if splits.column is None:
        return pl.lit(None, pl.String).alias(PART)
    found = pl.lit(None, pl.String)
    for part in PARTS:
        found = pl.when(is_one_of(splits.column, getattr(splits, part))).then(pl.lit(part)).otherwise(found)
    return found.alias(PART)


def _by_hash(both: pl.DataFrame, splits: Splits) -> pl.Series | pl.Expr:
    if splits.column is not None:
        return pl.col(PART)
    units = both.select(pl.coalesce("subject_id", "record_id")).to_series()
    return pl.Series(PART, parts_by_hash(units, splits), pl.String)


def _folds(rows: pl.DataFrame, source: TrainKeys) -> pl.Series:
    """The fold of each record that is learned from or tuned on. Raises SpecError for fewer units than folds."""
    found: list[int | None] = [None] * rows.height
    if source.folds is not None:
        used = rows.with_row_index("row").filter((pl.col(STATE) == USED) & pl.col(PART).is_in(PARTS[:2]))
        units = used.select(pl.coalesce("subject_id", "record_id")).to_series().to_list()
        if len(set(units)) < source.folds:
            raise SpecError(
                f"input.folds: {source.folds} folds of {counted(len(set(units)), 'subject')} cannot be: give fewer"
            )
        strata = [""] * used.height
        if source.output_task != "number":
            strata = [str(truths) for truths in used.select(list(source.outputs)).rows()]
        for row, fold in zip(used["row"], dealt(units, strata, source.folds, source.splits.seed), strict=True):
            found[row] = fold
    return pl.Series(FOLD, found, pl.Int64)


def _state(outputs: Sequence[str]) -> pl.Expr:
    known = pl.any_horizontal(pl.col(name).is_not_null() & pl.col(name).is_not_nan() for name in outputs)
    return (
        pl.when(pl.col(_STATUS) != Status.OK)
        .then(pl.col(_STATUS))
        .when(pl.col(ROW).is_null())
        .then(pl.lit(NO_LABEL))
        .when(~known)
        .then(pl.lit(NO_TRUTH))
        .when(pl.col(PART).is_null())
        .then(pl.lit(NO_SPLIT))
        .otherwise(pl.lit(USED))
        .alias(STATE)
    )


def _refuse_torn_subjects(rows: pl.DataFrame) -> None:
    with_both = rows.filter(pl.col("subject_id").is_not_null() & pl.col(PART).is_not_null())
    torn = with_both.group_by("subject_id").agg(pl.col(PART).n_unique()).filter(pl.col(PART) > 1).height
    if torn:
        raise SpecError(
            f"input.splits: {counted(torn, 'subject')} have records in more than one split, so that the network would "
            "be tried on persons that it has seen: give all records of a subject one split"
        )


def check_enough(found: Labelled, source: TrainKeys, metric: str) -> None:
    """Raises SpecError where there is nothing to learn, or nothing by which an epoch can be chosen, in any fold."""
    for fold in (None,) if source.folds is None else range(1, source.folds + 1):
        _check_fold(found, source, metric, fold)


def _check_fold(found: Labelled, source: TrainKeys, metric: str, fold: int | None) -> None:
    for part in PARTS[:2]:
        targets = found.targets(part, fold)
        if not len(targets):
            told = ", ".join(f"{row['split']} {row[STATE]} {row['records']:,}" for row in found.account())
            raise SpecError(f"input.splits: not one labelled record is in {part} ({told}): correct labels or splits")
        for column, name in enumerate(found.outputs):
            there = targets[~np.isnan(targets[:, column]), column]
            one_alone = source.output_task != "number" and len(np.unique(there)) < 2
            if one_alone and (part == "train" or metric == "auroc"):
                raise SpecError(
                    f"input.outputs.{name}: {counted(len(there), 'labelled record')} in {_where(part, fold)}, and all "
                    f"with one answer: correct `truth`, `positive` and `classes`, or the splits{_hint(part, fold)}"
                )


def _where(part: str, fold: int | None) -> str:
    return part if fold is None else f"fold {fold}" if part == "tuning" else f"all folds but {fold}"


def _hint(part: str, fold: int | None) -> str:
    fewer = "" if fold is None else ", or give fewer folds"
    return fewer if part == "train" else f"{fewer}; fit.metric: loss chooses epochs without the other answer"
