"""The rows of one shard object, as they were committed."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.errors import VerificationError
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import parquet_file

_PREFIX = b"wardround."
FINGERPRINT_KEY = _PREFIX + b"fingerprint"
"""Parquet metadata of whatever a run wrote: whose it is."""


def open_shard(store: Store, key: str, fingerprint: str) -> pq.ParquetFile:
    """A shard object with its footer read. Raises VerificationError where it is missing, damaged or another run's."""
    with _damage_told(key):
        file = parquet_file(store.open_reader(key))
    if fingerprint_in(file.schema_arrow) != fingerprint:
        raise VerificationError(f"{key} carries the fingerprint of another run; wardround verify tells more")
    return file


def read_shard(store: Store, key: str, fingerprint: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Its rows in plan order, of all columns or of these. Raises VerificationError as `open_shard` does."""
    names = None if columns is None else list(columns)
    file = open_shard(store, key, fingerprint)
    with _damage_told(key):
        return file.read(names, use_threads=False)


def _damage_told(key: str) -> AbstractContextManager[None]:
    damaged = VerificationError(f"{key} is not the file that a run writes; wardround verify tells more")
    missing = VerificationError(f"{key} is missing: the run is damaged; wardround verify tells more")
    return damage_as(damaged, missing)


def fingerprint_in(schema: pa.Schema) -> str:
    """The fingerprint that a Parquet file of a run carries; empty where it has none."""
    carried: bytes = (schema.metadata or {}).get(FINGERPRINT_KEY, b"")
    return carried.decode()


def own_metadata(schema: pa.Schema) -> dict[str, str]:
    """What a run says of its Parquet file in the footer, by name."""
    entries = (schema.metadata or {}).items()
    return {
        key.removeprefix(_PREFIX).decode(errors="replace"): value.decode(errors="replace")
        for key, value in entries
        if key.startswith(_PREFIX)
    }


def with_status(rows: pa.Table, column: str, statuses: Sequence[str]) -> pa.Table:
    """Those rows whose status in this column is one of `statuses`, in order."""
    return rows.filter(pc.is_in(rows[column].cast(pa.string()), pa.array(statuses, pa.string())))
