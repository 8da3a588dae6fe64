"""The rows of one shard object, as they were committed."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.storage import ObjectMissing, Store
from schemas.errors import VerificationError

FINGERPRINT_KEY = b"wardround.fingerprint"
"""Parquet metadata of whatever a run wrote: whose it is."""


def open_shard(store: Store, key: str, fingerprint: str) -> pq.ParquetFile:
    """A shard object with its footer read. Raises VerificationError where it is missing, damaged or another run's."""
    try:
        file = pq.ParquetFile(store.open_reader(key))
    except ObjectMissing:
        raise VerificationError(f"{key} is missing: the run is damaged; wardround verify tells more") from None
    except pa.ArrowInvalid:
        raise VerificationError(f"{key} is not the file that a run writes; wardround verify tells more") from None
    if fingerprint_in(file.schema_arrow) != fingerprint:
        raise VerificationError(f"{key} carries the fingerprint of another run; wardround verify tells more")
    return file


def read_shard(store: Store, key: str, fingerprint: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Its rows in plan order, of all columns or of these. Raises VerificationError as `open_shard` does."""
    names = None if columns is None else list(columns)
    return open_shard(store, key, fingerprint).read(names, use_threads=False)


def fingerprint_in(schema: pa.Schema) -> str:
    """The fingerprint that a Parquet file of a run carries; empty where it has none."""
    carried: bytes = (schema.metadata or {}).get(FINGERPRINT_KEY, b"")
    return carried.decode()


def with_status(rows: pa.Table, column: str, statuses: Sequence[str]) -> pa.Table:
    """Those rows whose status in this column is one of `statuses`, in order."""
    return rows.filter(pc.is_in(rows[column].cast(pa.string()), pa.array(statuses, pa.string())))
