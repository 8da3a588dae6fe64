"""Collection `events` as a job sees it: index the subjects, find the prediction times, predict."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.plan import spread
from schemas.rows import OutputColumn
from schemas.spec import Compute
from workers.collection import PREDICT, StagePlan, TrialPart
from workers.contract import ModelCard
from workers.ehr.events import indexing, ranges, times
from workers.ehr.events.index import read_index
from workers.ehr.events.indexing import SUBJECTS
from workers.ehr.events.look import look
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.planning import PREDICTION_TIME, predict_batches, predict_schema
from workers.ehr.events.reader import HEADER_TYPES
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.task import WantedTimes
from workers.ehr.events.times import TIMES
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage

Batches = Callable[[], Iterator[pa.RecordBatch]]
_RECORDS_A_RANGE = 64
"""Records of a trial for which one range of the data is looked through, of some two million events."""


class EventsCollection:
    """Implements `workers.collection.Collection`."""

    def __init__(self, source: EventsInput, storage: StorageSettings) -> None:
        self.source = source
        self.root = MedsRoot(source.uri, storage)
        self.times = WantedTimes(source, storage)

    @property
    def stages(self) -> tuple[str, ...]:
        """Prediction times that come from the events are found in a stage of their own."""
        return (SUBJECTS, TIMES, PREDICT) if self.source.task.reads_events else (SUBJECTS, PREDICT)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """None: how a model wants its events is in its directory."""
        if given is not None:
            raise SpecError("prepare: collection events has no prepare steps; remove it")
        return ()

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the stage. A task that cannot be understood is reported before the first stage."""
        carry = self.times.carry
        if stage == SUBJECTS:
            looked_at = self.times.columns
            found = partial(ranges.range_batches, self.root, looked_at)
            return self._tables(SUBJECTS, ranges.SCHEMA, found, indexing.COLUMNS)
        if stage == TIMES:
            return self._tables(TIMES, times.SCHEMA, lambda: self._blocks(finished), times.COLUMNS)
        schema = predict_schema(carry, self._repair)
        return StagePlan(
            PREDICT,
            schema,
            lambda: self._records(finished, schema),
            carry=(PREDICTION_TIME.name, *(field.name for field in carry)),
            header_carry=tuple(HEADER_TYPES),
            header_types=HEADER_TYPES,
            columns=None,
            whole_subjects=True,
            state=self.times.state,
        )

    def trial_part(self, stage: str, plan: PlanReader, records: int) -> TrialPart:
        """A few ranges of the data, and of the subjects in them some who are asked for."""
        if stage == SUBJECTS:
            return TrialPart(spread(plan.info.records, 1 + records // _RECORDS_A_RANGE), of_all=True)
        if stage == TIMES:
            return TrialPart(range(plan.info.records), of_all=False)
        found = np.flatnonzero(np.concatenate([table["etag"].is_valid().to_numpy() for table in plan.shards()]))
        # Who is not in these ranges may be in others. Where nobody is, anybody serves.
        places = found if len(found) else np.arange(plan.info.records)
        chosen = places[list(spread(len(places), records))].tolist()
        return TrialPart(chosen, of_all=self.source.task.labels is not None)

    @property
    def _repair(self) -> bool:
        return self.source.repair == "sort"

    def _tables(self, stage: str, schema: pa.Schema, batches: Batches, columns: tuple[OutputColumn, ...]) -> StagePlan:
        state = self.times.state
        return StagePlan(stage, schema, batches, columns=columns, kind="shards", shard_records=1, state=state)

    def _blocks(self, finished: Sequence[FinishedStage]) -> Iterator[pa.RecordBatch]:
        return times.block_batches(read_index(finished[0], self._repair), self.root.store.uri)

    def _records(self, finished: Sequence[FinishedStage], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        index = read_index(finished[0], self._repair)
        return predict_batches(index, self.times.read(index, finished), schema, self.root.store.uri)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Files, events, subjects and the version of MEDS; rows of a label table."""
        return look(tables, self.root, self.times)


def open_collection(source: EventsInput, storage: StorageSettings, compute: Compute) -> EventsCollection:
    """The subjects of a MEDS dataset at their prediction times. Raises SpecError if it cannot be used."""
    return EventsCollection(source, storage)
