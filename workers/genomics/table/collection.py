"""A conversion to the genotype table as a job sees it: its stages, and how each is planned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import polars as pl
import pyarrow as pa
from pydantic import BaseModel

from cluster.storage import join
from schemas.errors import SpecError, VerificationError
from schemas.plan import plan_schema
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.genomics.contract import SAMPLE_SCHEMA
from workers.genomics.table import account_stage, read_stage, variants_stage
from workers.genomics.table.layout import ACCOUNT, READ, TABLE, VARIANT_STAGE
from workers.genomics.table.records import Chunk
from workers.runs.stage import FinishedStage

CHUNK_FIELDS = (
    pa.field("kind", pa.string(), nullable=False),
    pa.field("file", pa.int32(), nullable=False),
    pa.field("file_size", pa.int64(), nullable=False),
    pa.field("start", pa.int64(), nullable=False),
    pa.field("stop", pa.int64(), nullable=False),
    pa.field("first", pa.int64(), nullable=False),
)
_ACCOUNT_FIELDS = (pa.field("part", pa.string(), nullable=False), pa.field("row", pa.int64(), nullable=False))
_BATCH = 10_000


class TableConversion:
    """Implements `workers.collection.Collection` for every format.

    `root` is the uri under which the keys of chunks lie. `chunks` lists the input and cuts it. `state` is plain JSON
    that the driver found in the input and workers go by, such as `samples_digest`.
    """

    stages = (READ, VARIANT_STAGE, ACCOUNT)

    def __init__(
        self,
        source: BaseModel,
        root: str,
        chunks: Callable[[], Iterable[Chunk]],
        state: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.source = source
        self._root = root
        self._chunks = chunks
        self._state = state

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """A conversion has no models."""
        raise SpecError("a convert job has no models")

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage, from the source's chunks or from what the stages before found."""
        if stage == READ:
            return StagePlan(
                READ,
                plan_schema(CHUNK_FIELDS),
                lambda: chunk_batches(self._root, self._chunks()),
                carry=tuple(field.name for field in CHUNK_FIELDS),
                columns=read_stage.COLUMNS,
                kind="shards",
                shard_records=1,
                state=self._state(),
            )
        state = {"after": finished[-1].run.fingerprint}
        if stage == VARIANT_STAGE:
            schema = plan_schema()
            one = {"record_id": ["table"], "uri": [TABLE]}
            columns = variants_stage.COLUMNS
            batches = lambda: iter([batch(schema, one)])  # noqa: E731
            return StagePlan(VARIANT_STAGE, schema, batches, columns=columns, kind="shards", state=state)
        return StagePlan(
            ACCOUNT,
            plan_schema(_ACCOUNT_FIELDS),
            lambda: account_batches(*finished),
            columns=account_stage.COLUMNS,
            kind="shards",
            state=state,
        )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Chunks by kind."""
        kinds: dict[str, int] = {}
        for table in tables:
            for kind in table["kind"].to_pylist():
                kinds[kind] = kinds.get(kind, 0) + 1
        return {"chunks": kinds}


def samples_digest(samples: pl.DataFrame) -> str:
    """Says whether two lists of samples are the same."""
    rows = samples.select(*SAMPLE_SCHEMA).write_csv(separator="\t", include_header=False, quote_style="always")
    return hashlib.sha256(rows.encode()).hexdigest()


def chunk_batches(root: str, chunks: Iterable[Chunk]) -> Iterator[pa.RecordBatch]:
    """Every chunk in order, as a plan."""
    schema, rows = plan_schema(CHUNK_FIELDS), []
    for chunk in chunks:
        name = f"{chunk.key}@{chunk.start}"
        fixed = {"record_id": name, "uri": join(root, chunk.key), "member": chunk.start, "size": chunk.size}
        own = {field.name: getattr(chunk, field.name) for field in CHUNK_FIELDS}
        rows.append({**fixed, "etag": chunk.etag, **own})
        if len(rows) >= _BATCH:
            yield pa.RecordBatch.from_pylist(rows, schema)
            rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema)


def account_batches(read: FinishedStage, table: FinishedStage) -> Iterator[pa.RecordBatch]:
    """Every record of the input in its order: `<file>#<number in the file>`, and where its outcome lies.

    Raises VerificationError where the table does not hold the variants that were read.
    """
    (written,) = table.all_rows(["n_variants"])["n_variants"].to_pylist()
    rows = read.all_rows(["record_id", "file", "outcome_rows", "outcome_keys", "parts"]).to_pylist()
    if written != sum(part["rows"] for row in rows for part in row["parts"]):
        raise VerificationError("the table does not hold the variants that were read: the run is damaged")
    for _, chunks in groupby(rows, lambda row: row["file"]):
        yield from _file_batches(list(chunks))


def _file_batches(chunks: Sequence[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """The records of one file."""
    schema, first = plan_schema(_ACCOUNT_FIELDS), 0
    name = chunks[0]["record_id"].rpartition("@")[0]
    for chunk in chunks:
        for count, key in zip(chunk["outcome_rows"], chunk["outcome_keys"], strict=True):
            numbers = range(first, first + count)
            columns = {"record_id": [f"{name}#{number}" for number in numbers], "uri": [name] * count}
            yield batch(schema, {**columns, "member": numbers, "part": [key] * count, "row": range(count)})
            first += count


def batch(schema: pa.Schema, columns: Mapping[str, Iterable[Any]]) -> pa.RecordBatch:
    """Rows of a plan; what is not given is null."""
    given = {name: pa.array(list(values), schema.field(name).type) for name, values in columns.items()}
    rows = len(given["record_id"])
    return pa.record_batch([given.get(f.name, pa.nulls(rows, f.type)) for f in schema], schema=schema)
