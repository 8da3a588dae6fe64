"""How the stages that all conversions have are planned."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa

from schemas.errors import SpecError
from schemas.plan import plan_batch, plan_schema
from schemas.rows import OutputColumn
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.conversion.chunks import chunk_batches, key_of
from workers.conversion.layout import ACCOUNT, READ

_ACCOUNT_FIELDS = (pa.field("part", pa.string(), nullable=False), pa.field("row", pa.int64(), nullable=False))

Chunks = Callable[[], Iterable[Mapping[str, Any]]]


class Conversion:
    """The part of `workers.collection.Collection` that is the same for every conversion."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """A conversion has no models."""
        raise SpecError("a convert job has no models")

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Chunks, by the kind of their records where the source says it."""
        kinds = Counter(kind for table in tables for kind in table["kind"].to_pylist())
        named = {str(kind): count for kind, count in kinds.items() if kind}
        return {"chunks": {**named, "of any kind": kinds[None]} if named and kinds[None] else named or kinds.total()}


def read_plan(
    root: str,
    fields: Sequence[pa.Field],
    chunks: Chunks,
    columns: tuple[OutputColumn, ...],
    state: Mapping[str, Any],
) -> StagePlan:
    """Stage `read`: a shard a chunk, see `workers.conversion.chunks.chunk_batches`."""
    return StagePlan(
        READ,
        plan_schema(fields),
        lambda: chunk_batches(root, fields, chunks()),
        carry=tuple(field.name for field in fields),
        columns=columns,
        kind="shards",
        shard_records=1,
        state=state,
    )


def whole_plan(
    stage: str, record_id: str, uri: str, columns: tuple[OutputColumn, ...], state: Mapping[str, Any]
) -> StagePlan:
    """A stage with one record: all that was made together."""
    schema, one = plan_schema(), {"record_id": [record_id], "uri": [uri]}
    return StagePlan(
        stage, schema, lambda: iter([plan_batch(schema, one)]), columns=columns, kind="shards", state=state
    )


def account_plan(
    batches: Callable[[], Iterator[pa.RecordBatch]], columns: tuple[OutputColumn, ...], state: Mapping[str, Any]
) -> StagePlan:
    """Stage `account`: a record each of the input. `batches` come from `file_records`."""
    return StagePlan(ACCOUNT, plan_schema(_ACCOUNT_FIELDS), batches, columns=columns, kind="shards", state=state)


def by_file(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Rows of stage `read`, those of one file together."""
    for _, chunks in groupby(rows, lambda row: row["file"]):
        yield list(chunks)


def file_records(chunks: Sequence[Mapping[str, Any]], counts: str) -> Iterator[pa.RecordBatch]:
    """The records of one file in its order: `<file>#<number in the file>`, and where the outcome of each lies.

    `chunks` are its rows of stage `read`: `outcome_keys`, and in column `counts` how many records each of these has.
    """
    first, name = 0, key_of(chunks[0]["record_id"])
    for chunk in chunks:
        for count, key in zip(chunk[counts], chunk["outcome_keys"], strict=True):
            numbers = range(first, first + count)
            ids = [f"{name}#{number}" for number in numbers]
            yield account_batch(record_id=ids, uri=[name] * count, member=numbers, part=[key] * count, row=range(count))
            first += count


def account_batch(**columns: Iterable[Any]) -> pa.RecordBatch:
    """Some rows of the plan of stage `account`; what is not given is null."""
    return plan_batch(plan_schema(_ACCOUNT_FIELDS), columns)
