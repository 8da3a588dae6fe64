"""The table of what was true."""

import hashlib
import io
from collections.abc import Sequence

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from cluster.storage import ObjectMissing, StorageSettings, open_store, split
from schemas.errors import RefusedError, SpecError
from schemas.wording import counted, in_short
from workers.labels.matching import as_ids
from workers.labels.objects import joined_by, read_objects
from workers.labels.settings import Labels
from workers.labels.truths import plain
from workers.reading.csv_faults import csv_fault, separator_hint
from workers.reading.csv_records import delimiter_of
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import parquet_table

_NAMED = 3
"""Rows that a message names."""
ROW = "label.row"
"""Number of a label in its table, from 0 on."""


def read_labels(labels: Labels, storage: StorageSettings) -> tuple[pl.DataFrame, str]:
    """The table with its ids as text, and the sha256 of its file.

    Raises SpecError where it is not there, cannot be read, has no row, or has no id, an empty one, or one twice.
    """
    table, digest = read_table(labels, storage)
    if labels.key not in table.columns:
        hint = separator_hint(table.columns, delimiter_of(split(labels.uri)[1], labels.delimiter))
        remedy = f"{hint}, or say labels.delimiter" if hint else "say labels.key"
        raise SpecError(
            f"input.labels: {labels.uri} has no column {labels.key!r}; it has {in_short(table.columns)}: {remedy}"
        )
    if ROW in table.columns:
        raise SpecError(f"input.labels: {labels.uri} has a column {ROW!r}, which is kept for row numbers: rename it")
    if table.is_empty():
        raise SpecError(f"input.labels: {labels.uri} has a header and no row: write a row an id")
    key = plain(table[labels.key], "labels.key")
    table = table.with_columns(as_ids(pl.col(labels.key), key.dtype)).with_row_index(ROW)
    _refuse(table, pl.col(labels.key).is_null(), labels, "no id")
    _refuse_twice(table, labels)
    return table, digest


def read_table(labels: Labels, storage: StorageSettings) -> tuple[pl.DataFrame, str]:
    """The table as it is, and the sha256 of its file, of a folder that of its list. Raises SpecError where it is not
    there, or cannot be read."""
    if labels.pattern:
        return read_objects(labels, storage)
    body = _body(labels, storage)
    return _parsed(labels, body), hashlib.sha256(body).hexdigest()


def columns_of(labels: pl.DataFrame) -> list[str]:
    """Those that its author wrote."""
    return [name for name in labels.columns if name != ROW]


def planned_labels(labels: Labels, storage: StorageSettings, digest: str) -> pl.DataFrame:
    """The table as it was planned. Raises RefusedError where it was changed since."""
    table, found = read_labels(labels, storage)
    if found != digest:
        raise RefusedError(
            f"input.labels: {labels.uri} was changed since the run was planned: restore it, or choose another "
            "output.uri"
        )
    return table


def ids_of(labels: Labels, column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Ids of records as the table has them."""
    return joined_by(labels, as_ids(column, dtype))


def with_labels(rows: pl.DataFrame, on: str, labels: pl.DataFrame, key: str) -> pl.DataFrame:
    """Each of `rows` with the columns of its label, null where it has none; `on` is the column of `rows` with ids.
    A column that both have is that of `rows`."""
    ids = rows.with_columns(as_ids(pl.col(on), rows.schema[on]))
    return ids.join(labels, left_on=on, right_on=key, how="left", maintain_order="left", coalesce=False)


def _body(labels: Labels, storage: StorageSettings) -> bytes:
    if labels.uri.endswith("/"):
        raise SpecError(
            f"input.labels: {labels.uri} is a folder: name a table, or say how its objects are called, such as "
            'labels.pattern: "{id}"'
        )
    folder, name = split(labels.uri)
    try:
        return open_store(folder, storage).get(name)
    except ObjectMissing:
        raise SpecError(f"input.labels: {labels.uri} is not there: correct labels.uri") from None


def _parsed(labels: Labels, body: bytes) -> pl.DataFrame:
    """Columns of CSV are text: 0017 is an id, and whoever compares a number with it says so."""
    where = f"input.labels: {labels.uri}"
    damaged = SpecError(f"{where} is a Parquet file that cannot be read: write it again")
    try:
        with damage_as(damaged):
            table = _parquet(body) if body[:4] == b"PAR1" else _csv(labels, body, where)
        # What a program keeps as numbers of categories, as pandas does, is the text that these stand for.
        return pl.DataFrame(pl.from_arrow(table)).with_columns(cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String))
    except pl.exceptions.PolarsError:
        raise damaged from None


def _parquet(body: bytes) -> pa.Table:
    return parquet_table(pa.BufferReader(body))


def _csv(labels: Labels, body: bytes, where: str) -> pa.Table:
    name = split(labels.uri)[1]
    delimiter = delimiter_of(name, labels.delimiter)
    damaged = _NoCsvError(where)
    try:
        with damage_as(damaged):
            names = csv_names(io.BytesIO(body), name, delimiter, "input.labels")
            types = dict.fromkeys(names, pa.string())
            batches = list(csv_batches(io.BytesIO(body), name, delimiter, types))
    except _NoCsvError:
        fault = csv_fault(io.BytesIO(body), name, delimiter)
        raise SpecError(f"{where} is neither Parquet nor CSV as it has to be: {fault}") from None
    return pa.Table.from_batches(batches, pa.schema(list(types.items())))


class _NoCsvError(SpecError):
    """Arrow cannot read it."""


def _refuse(
    table: pl.DataFrame, which: pl.Expr, labels: Labels, what: str, remedy: str = "each id needs one row"
) -> None:
    rows: Sequence[int] = table.filter(which)[ROW].to_list()
    if rows:
        named = ", ".join(str(row + 1) for row in rows[:_NAMED])
        has = "has" if len(rows) == 1 else "have"
        raise SpecError(
            f"input.labels: {labels.uri}: {counted(len(rows), 'row')} of {table.height:,} {has} {what} in "
            f"{labels.key!r} (first: row {named}): {remedy}"
        )


def _refuse_twice(table: pl.DataFrame, labels: Labels) -> None:
    """Raises SpecError for ids of several rows, and says whether these rows differ in anything else."""
    twice = pl.col(labels.key).is_duplicated()
    plain_columns = [name for name in columns_of(table) if not table.schema[name].is_nested()]
    differing = table.filter(twice).unique(plain_columns)[labels.key].is_duplicated().any()
    remedy = "they say different things: keep the row that is right" if differing else "they say the same: keep one row"
    _refuse(table, twice, labels, "an id that another row has too", f"{remedy} of each id")
