"""Collection `events` as a job sees it: index the subjects, find the prediction times, predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers.collection import PREDICT, FinishedStage, StagePlan
from workers.contract import ModelCard
from workers.events.index import read_index
from workers.events.indexing import COLUMNS, SUBJECTS
from workers.events.labels import LabelTable
from workers.events.meds import MedsRoot
from workers.events.planning import PREDICTION_TIME, predict_batches, predict_schema
from workers.events.ranges import SCHEMA, range_batches
from workers.events.reader import HEADER_TYPES
from workers.events.settings import EventsInput


class EventsCollection:
    """Implements `workers.collection.Collection`."""

    def __init__(self, source: EventsInput, storage: StorageSettings) -> None:
        self.source = source
        self.root = MedsRoot(source.uri, storage)
        self._storage = storage

    @property
    def stages(self) -> tuple[str, ...]:
        """Prediction times that come from the events are found in a stage of their own."""
        return (SUBJECTS, PREDICT)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """None: how a model wants its events is in its directory."""
        if given is not None:
            raise SpecError("prepare: collection events has no prepare steps; remove it")
        return ()

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """See Collection."""
        if stage == SUBJECTS:
            return StagePlan(
                SUBJECTS, SCHEMA, lambda: range_batches(self.root), columns=COLUMNS, kind="tables", shard_records=1
            )
        table = LabelTable(self.source.task.labels or "", self._storage, self.source.carry)
        repair = self.source.repair == "sort"
        schema = predict_schema(table.carry, repair)

        def batches() -> Iterator[pa.RecordBatch]:
            index = read_index(finished[0], repair)
            return predict_batches(index, table.read(), schema, self.root.store.uri)

        return StagePlan(
            PREDICT,
            schema,
            batches,
            carry=(PREDICTION_TIME.name, *self.source.carry),
            header_carry=tuple(HEADER_TYPES),
            header_types=HEADER_TYPES,
            columns=None,
            whole_subjects=True,
        )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Files, events and the version of MEDS."""
        return {"meds_version": self.root.version()}


def open_collection(source: EventsInput, storage: StorageSettings, compute: Compute) -> EventsCollection:
    """See workers.collection.OpenCollection."""
    return EventsCollection(source, storage)
