"""Parquet files of others: opened, read in batches, and what their damage means."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectChanged, ObjectMissing, Store
from schemas.errors import SpecError
from workers.reading.gzip import InflationError
from workers.reading.parquet_bounds import BoundedParquet

_DAMAGE = (
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    pa.ArrowKeyError,
    pa.ArrowTypeError,
    pa.ArrowIndexError,
    pa.ArrowSerializationError,
    OSError,
    UnicodeDecodeError,
    InflationError,
)
"""What Arrow raises for a file that it cannot read; UnicodeDecodeError where the name of a column is no text.

Its OSErrors are of damage: where storage fails the reader raises InfrastructureError, which Arrow hands on.
"""

_DAMAGED = "is no Parquet file, or damaged: write it again, or move it away"
_VANISHED = "is not there, or was changed while it was planned: correct the uri, or stop what writes there"
_ONE = "a .parquet file"


@contextmanager
def damage_as(failure: Exception, missing: Exception | None = None) -> Iterator[None]:
    """Raise `failure` for what Arrow cannot read, and `missing`, if given, for ObjectMissing and ObjectChanged.

    Arrow's own message is dropped, since it may quote what it read.
    """
    try:
        yield
    except _DAMAGE:
        # A copy: what is raised holds on to its frames, and one failure may serve a whole file.
        raise copy(failure) from None
    except (ObjectMissing, ObjectChanged):
        if missing is None:
            raise
        raise copy(missing) from None


def while_planning(problem: str = "", vanished: str = "", file: str = _ONE) -> AbstractContextManager[None]:
    """`damage_as` a SpecError: a file that is planned has to be whole. `file` is what it is called where no other
    words are given."""
    return damage_as(*_errors(file, problem, vanished))


def _errors(file: str, problem: str = "", vanished: str = "") -> tuple[SpecError, SpecError]:
    return (
        SpecError(problem or f"{file} of input.uri {_DAMAGED}"),
        SpecError(vanished or f"{file} of input.uri {_VANISHED}"),
    )


def open_parquet(store: Store, key: str) -> pq.ParquetFile:
    """The open file with its footer read. Raises SpecError, which names it, where it is none, or not there."""
    with while_planning(file=repr(key)):
        return BoundedParquet(store.open_reader(key))


def parquet_schema(store: Store, key: str) -> pa.Schema:
    """Its columns. Raises SpecError."""
    return open_parquet(store, key).schema_arrow


def parquet_batches(file: pq.ParquetFile, columns: Sequence[str], rows: int, key: str) -> Iterator[pa.RecordBatch]:
    """All rows of an open file. Raises SpecError, which names it by `key`, where it is damaged."""
    names = list(dict.fromkeys(columns))
    return guarded(column_batches(file, names, rows), *_errors(repr(key)))


def column_batches(
    file: pq.ParquetFile, columns: Sequence[str], rows: int, groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Batches of these columns and row groups; of no column at all, batches that only count rows."""
    groups = range(file.num_row_groups) if groups is None else groups
    if columns:
        yield from file.iter_batches(rows, row_groups=list(groups), columns=list(columns), use_threads=False)
        return
    for group in groups:
        yield pa.record_batch([pa.nulls(file.metadata.row_group(group).num_rows)], names=["nothing"])


def guarded(
    batches: Iterator[pa.RecordBatch], failure: Exception, missing: Exception | None = None
) -> Iterator[pa.RecordBatch]:
    """The same batches, each had as `damage_as` says."""
    while True:
        with damage_as(failure, missing):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
