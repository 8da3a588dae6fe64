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
from workers.labels.matching import as_ids, is_one_of
from workers.labels.table import ROW, columns_of, ids_of, with_labels
from workers.labels.truths import binary_truth, class_truth, number_truth, plain
from workers.labels.unmatched import no_label_belongs
from workers.training.job.settings import PARTS, Output, Splits, TrainKeys
from workers.training.job.splits import dealt, parts_by_hash

PART, STATE, PLACE, FOLD = "record.part", "record.state", "record.place", "record.fold"
"""With a dot: no output can be called so."""
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
        split, state = pl.col(PART).fill_null("none").alias("split"), pl.col(STATE).alias("state")
        counts = self.rows.group_by(split, state).len("records")
        order = [*PARTS, "none"]
        found = sorted(counts.iter_rows(named=True), key=lambda row: (order.index(row["split"]), row["state"]))
        if self.unmatched:
            found.append({"split": "none", "state": NO_RECORD, "records": self.unmatched})
        return found


def labelled(stage: FinishedStage, source: TrainKeys, labels: pl.DataFrame | None) -> Labelled:
    """The records of a finished stage `prepare` under the labels. Raises SpecError for labels that do not fit."""
    records = _records(stage, source, labels)
    both = records
    if labels is not None and source.labels is not None:
        both = with_labels(records, _ID, labels, source.labels.key)
        unmatched = labels.join(records, left_on=source.labels.key, right_on=_ID, how="anti").height
        if unmatched == labels.height:
            raise no_label_belongs(source.labels, labels.height)
    else:
        unmatched, both = 0, records.with_columns(pl.lit(0, pl.UInt32).alias(ROW))
    names = tuple(source.outputs)
    if source.splits.column is not None:
        both = both.with_columns(plain(both[source.splits.column], "splits.column"))
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
    both = [*(columns_of(labels) if labels is not None else ()), *own]
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
    ids = as_ids(pl.col(on), table.schema[on])
    if source.labels is not None:
        ids = ids_of(source.labels, pl.col(on), table.schema[on])
    return table.select(*keep, pl.col("status").cast(pl.String).alias(_STATUS), ids.alias(_ID)).with_row_index(PLACE)


def _truths(both: pl.DataFrame, source: TrainKeys) -> list[pl.Series | pl.Expr]:
    columns = source.truths()
    return [
        # What is true of a text with spans is prepared with it; one without any has none.
        _truth(both, name, columns[name], output) if name in columns else pl.lit(0.0).alias(name)
        for name, output in source.outputs.items()
    ]


def _truth(both: pl.DataFrame, name: str, column: str, output: Output) -> pl.Series:
    where = f"outputs.{name}"
    if output.task == "segmentation":
        # The label map itself is prepared with its volume.
        return both.select(pl.when(pl.col(column).is_not_null()).then(0.0).alias(name)).to_series()
    if output.task == "number":
        return number_truth(both[column], where).alias(name)
    if output.task == "binary":
        is_said = "positive" in output.model_fields_set
        found = binary_truth(both[column], output.positive, output.negative, where, is_said=is_said)
        return found.alias(name)
    found, unknown = class_truth(both[column], output.classes, where)
    if unknown:
        has = "has" if unknown == 1 else "have"
        raise SpecError(
            f"input.{where}: {counted(unknown, 'record')} {has} a value of {column!r} that is none "
            f"of `classes` ({', '.join(map(str, output.classes))}): add it, or leave these labels empty"
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
            told = ", ".join(f"{row['split']} {row['state']} {row['records']:,}" for row in found.account())
            remedy = f"correct labels or splits{_values(source)}"
            raise SpecError(f"input.splits: not one labelled record is in {part} ({told}): {remedy}")
        for column, name in enumerate(found.outputs):
            there = targets[~np.isnan(targets[:, column]), column]
            one_alone = not source.has_prepared_truths and len(np.unique(there)) < 2
            if one_alone and (part == "train" or metric == "auroc"):
                raise SpecError(
                    f"input.outputs.{name}: {counted(len(there), 'labelled record')} in {_where(part, fold)}, and all "
                    f"with one answer: correct `truth`, `positive` and `classes`, or the splits{_hint(part, fold)}"
                )


def _values(source: TrainKeys) -> str:
    splits = source.splits
    if splits.column is None:
        return ""
    said = ", ".join(f"{part}: {getattr(splits, part)}" for part in PARTS)
    return f"; values of {splits.column!r} are taken as ({said}), and splits.train, tuning and held_out name others"


def _where(part: str, fold: int | None) -> str:
    return part if fold is None else f"fold {fold}" if part == "tuning" else f"all folds but {fold}"


def _hint(part: str, fold: int | None) -> str:
    fewer = "" if fold is None else ", or give fewer folds"
    return fewer if part == "train" else f"{fewer}; fit.metric: loss chooses epochs without the other answer"
