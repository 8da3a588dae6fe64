"""Labels of which not one belongs to a record: said once the records are listed, before any of them is read."""

from collections.abc import Callable, Generator, Iterator

import polars as pl
import pyarrow as pa

from schemas.errors import SpecError
from schemas.wording import counted
from workers.labels.settings import Labels
from workers.labels.table import ids_of

Batches = Callable[[], Iterator[pa.RecordBatch]]


def no_label_belongs(labels: Labels, rows: int, hint: str = "") -> SpecError:
    """The error of a table with so many rows."""
    return SpecError(
        f"input.labels: not one of {counted(rows, 'label')} belongs to a record{hint}: correct labels.key "
        f"({labels.key}) or labels.on ({labels.on})"
    )


def some_labelled(batches: Batches, labels: Labels, ids: pl.Series) -> Iterator[pa.RecordBatch]:
    """The same batches of a plan, which has the column `labels.on`. `ids` are those of the labels.

    Raises SpecError after the last one if no record has any of them.
    """
    names, is_one, is_alike, inner = _names(ids), False, False, batches()
    try:
        for batch in inner:
            if not is_one:
                own = pl.Series(pl.from_arrow(batch.column(labels.on)))
                own = own.to_frame("id").select(ids_of(labels, pl.col("id"), own.dtype)).to_series()
                is_one = bool(own.is_in(ids.implode()).any())
                is_alike = is_alike or bool(_names(own).is_in(names.implode()).any())
            yield batch
    finally:
        if isinstance(inner, Generator):
            inner.close()
    if not is_one and len(ids):
        hint = ", but some would without folders and endings (the id of a file is its path below input.uri)"
        raise no_label_belongs(labels, len(ids), hint if is_alike else "")


def _names(ids: pl.Series) -> pl.Series:
    """What follows the last slash, up to its last dot."""
    return ids.str.replace(r"^.*/", "").str.replace(r"\.[^.]*$", "")
