"""Rows of a table from Parquet or CSV, a bounded frame at a time."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import Store
from cluster.storage.range_reader import RangeReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.convert_omop.csv_rows import Fields, Problem, csv_rows
from workers.ehr.convert_omop.settings import OmopInput
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
    null where it could; its values are then null.
    """

    first: int
    frame: pl.DataFrame
    broken: pl.Series
    status: Status = Status.UNREADABLE


def table_rows(store: Store, chunk: Chunk, size: int, wanted: Collection[str], source: OmopInput) -> Iterator[Rows]:
    """All rows of a chunk in order. Raises ObjectMissing, ObjectChanged, and InfrastructureError."""
    if chunk.key.lower().endswith(".parquet"):
        return _parquet_rows(store, chunk, wanted)
    return _csv_rows(csv_rows(store, chunk, size, source), wanted)


def _parquet_rows(store: Store, chunk: Chunk, wanted: Collection[str]) -> Iterator[Rows]:
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
        for batch in guarded(column_batches(file, names, ROWS, groups), _DAMAGED):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            frame = frame.rename({name: name.lower() for name in names}) if names else frame.select()
            yield Rows(first, frame, pl.Series([None] * batch.num_rows, dtype=pl.String))
            first += batch.num_rows
    except RecordError as error:
        yield lost(first, error.detail, error.status)


def _reader(store: Store, chunk: Chunk) -> RangeReader:
    size = planned_file(store, chunk.key, None).size
    return RangeReader(lambda start, length: chunk.get(store, start, length), size)


def _is_doubled(names: Iterable[str]) -> bool:
    """Whether two of these are one name, as case does not matter."""
    return doubled(name.lower() for name in names) is not None


def lost(first: int, reason: str, status: Status = Status.UNREADABLE) -> Rows:
    """The one row that stands for the rest of a file."""
    return Rows(first, pl.DataFrame([None], schema={"": pl.Null}).select(), pl.Series([reason]), status)


def _csv_rows(rows: Iterator[Fields | Problem], wanted: Collection[str]) -> Iterator[Rows]:
    header = next(rows, None)
    if header is None:
        return
    if isinstance(header, Problem):
        yield lost(0, header.reason if header.ends else "its header line is not CSV", header.status)
        return
    places = [(n, (name or "").lower()) for n, name in enumerate(header) if (name or "").lower() in wanted]
    if _is_doubled(name for _, name in places):
        yield lost(0, _TWO)
        return
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
            yield _frame(first, places, columns, broken)
            first, columns, broken = first + len(broken), [[] for _ in places], []
    if broken:
        yield _frame(first, places, columns, broken)
    if rest is not None:
        yield lost(first + len(broken), rest.reason, rest.status)


def _frame(first: int, places: list[tuple[int, str]], columns: list[list[Any]], broken: list[str | None]) -> Rows:
    series = [pl.Series(name, column, pl.String) for (_, name), column in zip(places, columns, strict=True)]
    return Rows(first, pl.DataFrame(series), pl.Series(broken, dtype=pl.String))
