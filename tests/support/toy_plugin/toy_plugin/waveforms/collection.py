"""Collection `waveforms` as a job sees it: one stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, join, open_store
from schemas.errors import SpecError
from schemas.plan import plan_schema
from schemas.spec import Compute
from toy_plugin.waveforms.settings import WaveformsInput
from workers.collection import PREDICT, StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage


class WaveformsCollection:
    """Implements `workers.collection.Collection`."""

    stages = (PREDICT,)

    def __init__(self, source: WaveformsInput, storage: StorageSettings) -> None:
        self.source = source
        self._store = open_store(source.uri, storage)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """There are no steps."""
        if given:
            raise SpecError("prepare: collection waveforms has no prepare steps; remove it")
        return ()

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """One record a file."""
        return StagePlan(stage, plan_schema(), self._batches, columns=None)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for info in self._store.list():
            if info.key.endswith(".csv"):
                uri = join(self._store.uri, info.key)
                row = {"record_id": info.key, "uri": uri, "size": info.size, "etag": info.etag}
                yield pa.RecordBatch.from_pylist([row], schema=plan_schema())

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """How many there are."""
        return {"files": sum(table.num_rows for table in tables)}


def open_collection(source: WaveformsInput, storage: StorageSettings, compute: Compute) -> WaveformsCollection:
    """The waveforms of the input."""
    return WaveformsCollection(source, storage)
