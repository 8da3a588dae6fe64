"""Read a plan by shard, by range, without ever holding all of it.

Its pages carry checksums: ranges cannot be held against the digest of the whole, and one turned bit would send a record
somewhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.errors import InfrastructureError
from schemas.plan import PLAN_FIELDS, PlanInfo
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import parquet_file

T = TypeVar("T")


class PlanReader:
    """Rows of a plan that lies on storage. The footer is read once; not for use by several threads at a time."""

    def __init__(self, store: Store, key: str, info: PlanInfo) -> None:
        self.info = info
        self._store, self._key = store, key
        self._broken = InfrastructureError(
            f"{store.uri}: the plan that was read is not the one that lies there: look for what alters answers between "
            "here and the store, then run the same command again"
        )
        gone = InfrastructureError(
            f"{store.uri}: the plan of the run is not there any more: restore it, then run the same command again"
        )
        with damage_as(self._broken, gone):
            self._file = self._open()

    @property
    def carry_fields(self) -> list[pa.Field]:
        """The columns after the fixed ones."""
        return list(self._file.schema_arrow)[len(PLAN_FIELDS) :]

    def shard(self, shard: int) -> pa.Table:
        """The records of one shard, in order. Raises InfrastructureError where they arrive damaged."""
        return self._proved(lambda file: file.read_row_group(shard, use_threads=False))

    def record_ids(self, shard: int) -> pa.ChunkedArray:
        """Only the ids of one shard."""
        return self._proved(lambda file: file.read_row_group(shard, ["record_id"], use_threads=False)).column(0)

    def _open(self) -> pq.ParquetFile:
        return parquet_file(self._store.open_reader(self._key), page_checksum_verification=True)

    def _proved(self, read: Callable[[pq.ParquetFile], T]) -> T:
        try:
            with damage_as(self._broken):
                return read(self._file)
        except InfrastructureError:
            # What came is kept by the reader: the next one shall ask anew.
            with damage_as(self._broken):
                self._file = self._open()
            raise

    def shards(self) -> Iterator[pa.Table]:
        """Every shard in turn."""
        for shard in range(self.info.shards):
            yield self.shard(shard)

    def rows(self, indices: Sequence[int]) -> pa.Table:
        """Records by their ascending place in the plan."""
        return pa.concat_tables([self.shard(shard).take(rows) for shard, rows in self.info.by_shard(indices).items()])
