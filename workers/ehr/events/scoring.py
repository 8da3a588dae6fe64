"""The device's side of collection `events`: each model scores what was encoded for a whole shard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import InfrastructureError, WardroundError
from workers.ehr.events.contract import EncodedHistories, EventScorer
from workers.engine.columns import ModelColumns
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows


class EventScoring:
    """Implements `workers.engine.kinds.Scoring`. Models choose their own batches, so there is nothing to tune."""

    is_tuned = False

    def __init__(self, scorers: Mapping[str, EventScorer], device: str) -> None:
        self.device = device
        self._scorers = dict(scorers)
        self._seconds = self._core_seconds = 0.0
        self._good: list[int] = []
        self._parts: list[list[EncodedHistories]] = []

    @property
    def seconds(self) -> float:
        """Seconds in models since the start."""
        return self._seconds

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in models since the start."""
        return self._core_seconds

    def tuning(self) -> Mapping[str, Any]:
        """Nothing was measured."""
        return {}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        count = rows.records.num_rows
        rows.models = {name: ModelColumns(scorer.outputs, count) for name, scorer in self._scorers.items()}
        self._good = []
        self._parts = [[] for _ in self._scorers]

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Take in some records, in order; they are scored by `finish`."""
        rows.taken += len(part)
        for record in part:
            for name, values in rows.header.items():
                values[record.row] = record.columns.get(name)
            if record.status is not None:
                rows.reject(record.row, record.status, record.detail)
                continue
            self._good.append(record.row)
            for parts, encoded in zip(self._parts, record.inputs, strict=False):
                parts.append(encoded)

    def finish(self, rows: ShardRows) -> float:
        """Score the shard. Raises WardroundError if not every record came by."""
        if rows.taken != rows.records.num_rows:
            raise WardroundError(
                f"{rows.taken} of the {rows.records.num_rows} records of a shard were read: this is a bug, "
                "nothing is written"
            )
        if not self._good:
            return 0.0
        if crash_armed("forward.record"):
            for row in self._good:
                crashpoint("forward.record", rows.records["record_id"][row].as_py())
        began, computing = time.perf_counter(), time.thread_time()
        for (name, scorer), parts in zip(self._scorers.items(), self._parts, strict=True):
            self._score(name, scorer, parts, rows)
        spent = time.perf_counter() - began
        self._seconds += spent
        self._core_seconds += time.thread_time() - computing
        return spent

    def _score(self, name: str, scorer: EventScorer, parts: Sequence[EncodedHistories], rows: ShardRows) -> None:
        encoded = sum(len(part) for part in parts)
        if encoded != len(self._good):
            raise WardroundError(f"model {name} encoded {encoded} of {len(self._good)} records: this is a bug")
        try:
            values = scorer.score(parts)
        except MemoryError:
            raise InfrastructureError(
                f"the device has no memory left for the smallest batch of model {name}: give the workers more memory"
            ) from None
        columns = rows.models[name]
        columns.put([(row, 0) for row in self._good], values)
        first = 0
        for part in parts:
            for record, (status, detail) in part.refused.items():
                columns.reject(self._good[first + record], status, detail)
            first += len(part)
