"""The frozen, ordered list of a stage's records, cut into shards: one Parquet row group a shard.

| column | meaning |
|---|---|
| `record_id` | unique in the collection; the key relative to the prefix, or the table's own id |
| `subject_id` | whom the record is about, or null |
| `uri` | where the bytes lie |
| `member` | which part of that object: a frame (0-based), or a row of a Parquet file; null for all of it |
| `size`, `etag` | of the object when it was planned; null where a table does not say |
| others | columns of the input table that the spec carries to the output, under their own names |

The shard of a record is the index of its row group, which is why it is not a column.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from schemas.frozen import Frozen

PLAN_FIELDS = (
    pa.field("record_id", pa.string(), nullable=False),
    pa.field("subject_id", pa.string()),
    pa.field("uri", pa.string(), nullable=False),
    pa.field("member", pa.int64()),
    pa.field("size", pa.int64()),
    pa.field("etag", pa.string()),
)
RESERVED = frozenset(field.name for field in PLAN_FIELDS) | {"status", "detail"}


def spread(total: int, size: int) -> tuple[int, ...]:
    """`size` of `total` places, evenly spread over all of them, ascending and distinct."""
    if total <= size:
        return tuple(range(total))
    return tuple(i * total // size for i in range(size))


def plan_schema(carry: Iterable[pa.Field] = ()) -> pa.Schema:
    """Schema of a plan that carries these columns of the input table."""
    return pa.schema([*PLAN_FIELDS, *carry])


def plan_batch(schema: pa.Schema, columns: Mapping[str, Any], **same: str | None) -> pa.RecordBatch:
    """Rows of a plan: `columns` by name, `record_id` among them, and what is the `same` in each; the rest is null.

    Arrays are of the type of their column already. Raises what pyarrow raises for values that are not.
    """
    rows = len(columns["record_id"])
    given = {**columns, **{name: pa.array([value] * rows, pa.string()) for name, value in same.items()}}
    arrays = []
    for field in schema:
        values = given.get(field.name)
        if values is None:
            values = pa.nulls(rows, field.type)
        arrays.append(values if isinstance(values, pa.Array) else pa.array(values, field.type))
    return pa.record_batch(arrays, schema=schema)


class PlanInfo(Frozen):
    """A plan as a run names it. `key` is relative to the stage's directory.

    `ends` is None where every shard but the last has `shard_records` records. Where shards are cut between subjects it
    says how many records there are up to the end of each.
    """

    key: str
    sha256: str
    records: int
    shards: int
    shard_records: int
    bytes: int
    """Sum of the known sizes of the planned objects."""

    ends: tuple[int, ...] | None = None

    def shard_start(self, shard: int) -> int:
        """Place in the plan of a shard's first record."""
        if self.ends is None:
            return shard * self.shard_records
        return self.ends[shard - 1] if shard else 0

    def shard_rows(self, shard: int) -> int:
        """Number of records in one shard."""
        end = min(self.records, self.shard_start(shard) + self.shard_records) if self.ends is None else self.ends[shard]
        return end - self.shard_start(shard)

    def by_shard(self, places: Iterable[int]) -> dict[int, list[int]]:
        """Ascending places in the plan as rows of their shards, in the same order."""
        found: dict[int, list[int]] = {}
        for place in places:
            shard = self.shard_of(place)
            found.setdefault(shard, []).append(place - self.shard_start(shard))
        return found

    def shard_of(self, record: int) -> int:
        """The shard of the record at this place in the plan."""
        return record // self.shard_records if self.ends is None else bisect_right(self.ends, record)
