"""Read a plan by shard, by range, without ever holding all of it."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.plan import PLAN_FIELDS, PlanInfo


class PlanReader:
    """Rows of a plan that lies on storage. The footer is read once; not for use by several threads at a time."""

    def __init__(self, store: Store, key: str, info: PlanInfo) -> None:
        self.info = info
        self._file = pq.ParquetFile(store.open_reader(key))

    @property
    def carry_fields(self) -> list[pa.Field]:
        """The columns after the fixed ones."""
        return list(self._file.schema_arrow)[len(PLAN_FIELDS) :]

    def shard(self, shard: int) -> pa.Table:
        """The records of one shard, in order."""
        return self._file.read_row_group(shard, use_threads=False)

    def record_ids(self, shard: int) -> pa.ChunkedArray:
        """Only the ids of one shard."""
        return self._file.read_row_group(shard, columns=["record_id"], use_threads=False).column(0)

    def shards(self) -> Iterator[pa.Table]:
        """Every shard in turn."""
        for shard in range(self.info.shards):
            yield self.shard(shard)

    def rows(self, indices: Sequence[int]) -> pa.Table:
        """Records by their ascending place in the plan."""
        return pa.concat_tables([self.shard(shard).take(rows) for shard, rows in self.info.by_shard(indices).items()])
