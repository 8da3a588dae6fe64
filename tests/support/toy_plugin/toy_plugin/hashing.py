"""A room that is one module: hash every object under a prefix, a shard at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from cluster.storage import StorageSettings, join, open_store, split
from schemas.plan import plan_schema
from schemas.rows import OutputColumn
from schemas.spec import Compute
from schemas.status import Status
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import build_rows

COLUMN = OutputColumn(name="sha256", type="string", meaning="sha256 of the object", model="fixity", output="sha256")


class INPUT(BaseModel):
    """`input:` of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str


class Objects:
    """Implements `workers.collection.Collection`."""

    stages = ("digests",)

    def __init__(self, source: INPUT, storage: StorageSettings) -> None:
        self.source = source
        self._store = open_store(source.uri, storage)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """There are no models."""
        return ()

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """One record an object."""
        return StagePlan(stage, plan_schema(), self._batches, columns=(COLUMN,), kind="shards")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for info in self._store.list():
            row = {"record_id": info.key, "uri": join(self._store.uri, info.key), "size": info.size, "etag": info.etag}
            yield pa.RecordBatch.from_pylist([row], schema=plan_schema())

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Nothing."""
        return {}


def open_collection(source: INPUT, storage: StorageSettings, compute: Compute) -> Objects:
    """The objects of the input."""
    return Objects(source, storage)


class Hashing:
    """Implements `workers.pipeline.kinds.ShardStage`."""

    core_seconds = 0.0

    def __init__(self, context: StageContext) -> None:
        self._context = context

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The digests of a shard."""
        places = [split(uri) for uri in records["uri"].to_pylist()]
        found = [open_store(folder, self._context.storage).sha256(name) for folder, name in places]
        return ShardTable(build_rows(records, self._context.layout, {"sha256": found}, [Status.OK] * len(found)))

    def close(self) -> None:
        """Nothing runs."""


def digests(context: StageContext) -> Hashing:
    """The only stage."""
    return Hashing(context)
