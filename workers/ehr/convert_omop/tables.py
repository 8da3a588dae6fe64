"""Rows of a table from Parquet or CSV, a bounded frame at a time."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import Store
from cluster.storage.range_reader import RangeReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.convert_omop.csv_rows import Fields, Problem, csv_rows
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.values import said
from workers.ehr.meds.chunks import Chunk
from workers.reading.csv_records import doubled
from workers.reading.listing import planned_file
from workers.reading.parquet import column_batches, damage_as, guarded
from workers.reading.parquet_bounds import BoundedParquet

_TWO = "the file has two columns of one name"
_DAMAGED = RecordError(Status.UNREADABLE, "the Parquet file is damaged from here on")
ROWS = 131_072
"""Rows of a frame."""


@dataclass(frozen=True)
class Rows:
    """Neighbouring rows of a file from number `first` on (0-based, a header line not counted).

    `frame` has the wanted columns that the file has, in lower case. `broken` says of each row why it could not be read,
    null where it could; its values are then null. `others` has the columns that nobody wants:
    whether they say anything.
    """

    first: int
    frame: pl.DataFrame
    broken: pl.Series
    status: Status = Status.UNREADABLE
    others: pl.DataFrame = field(default_factory=pl.DataFrame)


def table_rows(
    store: Store, chunk: Chunk, size: int, wanted: Collection[str], source: OmopInput, with_others: bool = False
) -> Iterator[Rows]:
    """All rows of a chunk in order; `with_others`: the other columns are looked at too.

    Raises ObjectMissing, ObjectChanged, and InfrastructureError.
    """
    if chunk.key.lower().endswith(".parquet"):
        return _parquet_rows(store, chunk, wanted, with_others)
    return _csv_rows(csv_rows(store, chunk, size, source), wanted, with_others)


def _parquet_rows(store: Store, chunk: Chunk, wanted: Collection[str], with_others: bool) -> Iterator[Rows]:
    first = 0
    try:
        with damage_as(_DAMAGED):
            file = BoundedParquet(_reader(store, chunk))
        groups = list(range(chunk.start, min(chunk.stop, file.num_row_groups)))
        counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        first = sum(counts[: chunk.start])
        names = [name for name in file.schema_arrow.names if name.lower() in wanted]
        if _is_doubled(names):
            yield lost(first, _TWO)
            return
        others = _once(name for name in file.schema_arrow.names if with_others and name not in names)
        for batch in guarded(column_batches(file, [*names, *others], ROWS, groups), _DAMAGED):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch.select(names)]))) if names else None
            frame = pl.DataFrame() if frame is None else frame.rename({name: name.lower() for name in names})
            broken = pl.Series([None] * batch.num_rows, dtype=pl.String)
            yield Rows(first, frame, broken, others=_that_say(batch, others))
            first += batch.num_rows
    except RecordError as error:
        yield lost(first, error.detail, error.status)


def _once(names: Iterable[str]) -> list[str]:
    """Names without those that are one where case does not matter."""
    return list({name.lower(): name for name in names if name}.values())


def _that_say(batch: pa.RecordBatch, names: Sequence[str]) -> pl.DataFrame:
    """Where each of these columns says anything, by its name in lower case: texts may say that there is nothing."""
    return pl.DataFrame([_there(batch.column(name)).alias(name.lower()) for name in names])


def _there(column: pa.Array) -> pl.Series:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _says(pl.Series(pl.from_arrow(column)))
    return pl.Series(pl.from_arrow(column.is_valid()))


def _says(words: pl.Series) -> pl.Series:
    return (said(words, is_text=True) != "").fill_null(False)


def _reader(store: Store, chunk: Chunk) -> RangeReader:
    size = planned_file(store, chunk.key, None).size
    return RangeReader(lambda start, length: chunk.get(store, start, length), size)


def _is_doubled(names: Iterable[str]) -> bool:
    """Whether two of these are one name, as case does not matter."""
    return doubled(name.lower() for name in names) is not None


def lost(first: int, reason: str, status: Status = Status.UNREADABLE) -> Rows:
    """The one row that stands for the rest of a file."""
    return Rows(first, pl.DataFrame([None], schema={"": pl.Null}).select(), pl.Series([reason]), status)


def _csv_rows(rows: Iterator[Fields | Problem], wanted: Collection[str], with_others: bool) -> Iterator[Rows]:
    header = next(rows, None)
    if header is None:
        return
    if isinstance(header, Problem):
        yield lost(0, header.reason if header.ends else "its header line is not CSV", header.status)
        return
    named = [(n, (name or "").lower()) for n, name in enumerate(header)]
    places = [(n, name) for n, name in named if name in wanted]
    if _is_doubled(name for _, name in places):
        yield lost(0, _TWO)
        return
    kept = len(places)
    if with_others:
        places += {name: (n, name) for n, name in named if name and name not in wanted}.values()
    first, columns, broken = 0, [list[Any]() for _ in places], list[str | None]()
    rest: Problem | None = None
    for row in rows:
        if isinstance(row, Problem) and row.ends:
            rest = row
            break
        values = [None] * len(header) if isinstance(row, Problem) else row
        broken.append(row.reason if isinstance(row, Problem) else None)
        for (place, _), column in zip(places, columns, strict=True):
            column.append(values[place])
        if len(broken) >= ROWS:
            yield _frame(first, places, columns, broken, kept)
            first, columns, broken = first + len(broken), [[] for _ in places], []
    if broken:
        yield _frame(first, places, columns, broken, kept)
    if rest is not None:
        yield lost(first + len(broken), rest.reason, rest.status)


def _frame(
    first: int, places: list[tuple[int, str]], columns: list[list[Any]], broken: list[str | None], kept: int
) -> Rows:
    series = [pl.Series(name, column, pl.String) for (_, name), column in zip(places, columns, strict=True)]
    others = pl.DataFrame([_says(column).alias(column.name) for column in series[kept:]])
    return Rows(first, pl.DataFrame(series[:kept]), pl.Series(broken, dtype=pl.String), others=others)
