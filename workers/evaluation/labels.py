"""The table of what was true."""

import hashlib
import io
from collections.abc import Sequence

import polars as pl

from cluster.storage import ObjectMissing, StorageSettings, open_store, split
from schemas.errors import RefusedError, SpecError
from workers.evaluation.settings import Labels

_NAMED = 3
"""Rows that a message names."""
ROW = "label_row"
"""Number of a label in its table, from 0 on."""


def read_labels(labels: Labels, storage: StorageSettings) -> tuple[pl.DataFrame, str]:
    """The table with its ids as text, and the sha256 of its file.

    Raises SpecError where it is not there, cannot be read, or has no id, an empty one, or one twice.
    """
    body = _body(labels, storage)
    table = _parsed(labels.uri, body)
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
            f"input.labels: {labels.uri} was changed since the evaluation was planned: restore it, or choose another "
            "output.uri"
        )
    return table


def _body(labels: Labels, storage: StorageSettings) -> bytes:
    folder, name = split(labels.uri)
    try:
        return open_store(folder, storage).get(name)
    except ObjectMissing:
        raise SpecError(f"input.labels: {labels.uri} is not there: correct labels.uri") from None


def _parsed(uri: str, body: bytes) -> pl.DataFrame:
    try:
        if body[:4] == b"PAR1":
            return pl.read_parquet(io.BytesIO(body))
        first = body[: body.find(b"\n")]
        separator = "\t" if b"\t" in first else ";" if b";" in first and b"," not in first else ","
        return pl.read_csv(body, separator=separator, infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise SpecError(f"input.labels: {uri} is neither Parquet nor CSV in UTF-8 that can be read") from None


def _refuse(table: pl.DataFrame, which: pl.Expr, labels: Labels, what: str) -> None:
    rows: Sequence[int] = table.filter(which)[ROW].to_list()
    if rows:
        named = ", ".join(str(row + 1) for row in rows[:_NAMED])
        raise SpecError(
            f"input.labels: {labels.uri}: {len(rows)} rows of {table.height} {what} in {labels.key!r} "
            f"(first: row {named}): each id needs one row"
        )
