"""The table of what was true."""

import hashlib
import io
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from cluster.storage import ObjectMissing, StorageSettings, open_store, split
from schemas.errors import RefusedError, SpecError
from workers.labels.settings import Labels
from workers.reading.csv_records import delimiter_of
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import parquet_table

_NAMED = 3
"""Rows that a message names."""
ROW = "label_row"
"""Number of a label in its table, from 0 on."""


def read_labels(labels: Labels, storage: StorageSettings) -> tuple[pl.DataFrame, str]:
    """The table with its ids as text, and the sha256 of its file.

    Raises SpecError where it is not there, cannot be read, or has no id, an empty one, or one twice.
    """
    body = _body(labels, storage)
    table = _parsed(labels, body)
    if labels.key not in table.columns:
        raise SpecError(
            f"input.labels: {labels.uri} has no column {labels.key!r}; it has {', '.join(table.columns)}: "
            "say labels.key"
        )
    table = table.with_columns(pl.col(labels.key).cast(pl.String)).with_row_index(ROW)
    _refuse(table, pl.col(labels.key).is_null(), labels, "has no id")
    _refuse(table, pl.col(labels.key).is_duplicated(), labels, "has an id that another row has too")
    return table, hashlib.sha256(body).hexdigest()


def planned_labels(labels: Labels, storage: StorageSettings, digest: str) -> pl.DataFrame:
    """The table as it was planned. Raises RefusedError where it was changed since."""
    table, found = read_labels(labels, storage)
    if found != digest:
        raise RefusedError(
            f"input.labels: {labels.uri} was changed since the run was planned: restore it, or choose another "
            "output.uri"
        )
    return table


def _body(labels: Labels, storage: StorageSettings) -> bytes:
    folder, name = split(labels.uri)
    try:
        return open_store(folder, storage).get(name)
    except ObjectMissing:
        raise SpecError(f"input.labels: {labels.uri} is not there: correct labels.uri") from None


def _parsed(labels: Labels, body: bytes) -> pl.DataFrame:
    """Columns of CSV are text: 0017 is an id, and whoever compares a number with it says so."""
    damaged = SpecError(
        f"input.labels: {labels.uri} cannot be read as Parquet or as CSV in UTF-8: write it again, or say "
        "labels.delimiter"
    )
    try:
        with damage_as(damaged):
            table = _parquet(body) if body[:4] == b"PAR1" else _csv(labels, body)
        return pl.DataFrame(pl.from_arrow(table))
    except pl.exceptions.PolarsError:
        raise damaged from None


def _parquet(body: bytes) -> pa.Table:
    return parquet_table(pa.BufferReader(body))


def _csv(labels: Labels, body: bytes) -> pa.Table:
    name = split(labels.uri)[1]
    delimiter = delimiter_of(name, labels.delimiter)
    names = csv_names(io.BytesIO(body), name, delimiter)
    types = dict.fromkeys(names, pa.string())
    batches = csv_batches(io.BytesIO(body), name, delimiter, types)
    return pa.Table.from_batches(batches, pa.schema(list(types.items())))


def _refuse(table: pl.DataFrame, which: pl.Expr, labels: Labels, what: str) -> None:
    rows: Sequence[int] = table.filter(which)[ROW].to_list()
    if rows:
        named = ", ".join(str(row + 1) for row in rows[:_NAMED])
        raise SpecError(
            f"input.labels: {labels.uri}: {len(rows)} rows of {table.height} {what} in {labels.key!r} "
            f"(first: row {named}): each id needs one row"
        )
