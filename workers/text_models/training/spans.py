"""The table of labelled pieces of texts that a training learns from, and what they are in tokens. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cluster.storage import StorageSettings
from schemas.errors import RefusedError, SpecError
from schemas.wording import counted
from workers.labels.columns import require
from workers.labels.settings import Labels
from workers.labels.table import read_table
from workers.statistics.spans import Span
from workers.text_models.tokenized import Tokens
from workers.training.job.settings import TrainKeys

_NAMED = 3
_ROW = "row of the table"


def read_spans(source: TrainKeys, storage: StorageSettings) -> tuple[Mapping[str, Sequence[Span]], str]:
    """The spans of each record in the order of their places, and the sha256 of the table's file.

    Raises SpecError, naming rows, for what is no span, has another label than the output's classes, or overlaps another
    one of its record.
    """
    asked = source.spans  # type: ignore[attr-defined] # of the collections whose records are texts
    table, digest = read_table(Labels(uri=asked.uri, key=asked.record, delimiter=asked.delimiter), storage)
    names = {"record": asked.record, "start": asked.start, "end": asked.end, "label": asked.label}
    for key, column in names.items():
        require(column, table.columns, f"spans.{key}", f"spans ({asked.uri})")
    rows = table.select(
        pl.col(asked.record).cast(pl.String).alias("record"),
        *(pl.col(names[key]).cast(pl.Int64, strict=False).alias(key) for key in ("start", "end")),
        pl.col(asked.label).cast(pl.String).alias("label"),
    ).with_row_index(_ROW)
    _refuse(rows, pl.any_horizontal(pl.all().is_null()), "spans without a record, a start, an end or a label")
    _refuse(
        rows,
        (pl.col("start") < 0) | (pl.col("start") >= pl.col("end")),
        "spans that end before they start, or start below 0",
    )
    (output,) = source.outputs.values()
    known = [str(value) for value in output.classes]
    _refuse(rows, ~pl.col("label").is_in(known), f"spans whose label is none of `classes` ({', '.join(known)})")
    rows = rows.sort("record", "start", "end")
    meets = pl.col("start") < pl.col("end").shift().over("record")
    _refuse(rows, meets, "spans that overlap another one of their record; a token has one label: keep one of them")
    parts = rows.group_by("record", maintain_order=True).agg(pl.struct("start", "end", "label").alias("spans"))
    spans = {record: [(one["start"], one["end"], one["label"]) for one in found] for record, found in parts.iter_rows()}
    return spans, digest


def planned_spans(source: TrainKeys, storage: StorageSettings, digest: str) -> Mapping[str, Sequence[Span]]:
    """The spans as they were planned. Raises RefusedError where the table was changed since."""
    spans, found = read_spans(source, storage)
    if found != digest:
        raise RefusedError(
            "input.spans: the table was changed since the run was planned: restore it, or choose another output.uri"
        )
    return spans


def _refuse(rows: pl.DataFrame, which: pl.Expr, what: str) -> None:
    places = sorted(rows.filter(which)[_ROW].to_list())
    if places:
        named = ", ".join(str(place + 1) for place in places[:_NAMED])
        raise SpecError(f"input.spans: {what} ({counted(len(places), 'row')}, first: row {named})")


@dataclass(frozen=True)
class Tagged:
    """`tags` are places among the labels of the head (`workers.training.job.heads`), one a token. `lost` spans have no
    token, such as those that were left out of the windows; `moved` ones begin or end within one, and are learned as
    whole tokens."""

    tags: Tokens
    lost: int
    moved: int


def tagged(spans: Sequence[Span], offsets: Tokens, labels: Mapping[str, int]) -> Tagged:
    """The tags of tokens whose first character, and that behind their last, are `offsets`.

    `labels` has the place of the tag by which a span of each label begins; the next one is that of its other tokens.
    """
    tags = np.zeros(len(offsets), np.int32)
    lost = moved = 0
    for start, end, label in spans:
        inside = (offsets[:, 0] < end) & (offsets[:, 1] > start)
        free = np.flatnonzero(inside & (offsets[:, 1] > offsets[:, 0]) & (tags == 0))
        if not len(free):
            lost += 1
            continue
        moved += int(offsets[free[0], 0] != start or offsets[free[-1], 1] != end)
        tags[free] = labels[label] + 1
        tags[free[0]] = labels[label]
    return Tagged(tags, lost, moved)
