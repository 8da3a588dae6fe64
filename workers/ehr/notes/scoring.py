"""The device's side of collection `notes`: what was encoded of a shard goes to each model's scorer at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import InfrastructureError, RecordError, WardroundError
from schemas.status import Status
from workers.contract import Encoded
from workers.engine.columns import ModelColumns
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows
from workers.models.text.contract import NoteScorer

HELD_BYTES = 256 << 20
"""More encoded notes than this are scored in runs; cut by the shard's own content only."""


class NoteScoring:
    """Implements `workers.engine.kinds.Scoring`. `scorers` are in the order in which records have their inputs."""

    is_tuned = False

    def __init__(self, scorers: Mapping[str, NoteScorer], device: str) -> None:
        self.device = device
        self.seconds = 0.0
        self.core_seconds = 0.0
        self._scorers = dict(scorers)
        self._held: dict[str, list[tuple[int, Encoded]]] = {}
        self._remarks: dict[int, str] = {}
        self._before = 0.0

    def tuning(self) -> Mapping[str, Any]:
        """Nothing is measured: batches are cut by what the notes hold."""
        return {}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        count = rows.records.num_rows
        rows.models = {name: ModelColumns(scorer.outputs, count) for name, scorer in self._scorers.items()}
        self._held = {name: [] for name in self._scorers}
        self._remarks = {}
        self._before = self.seconds

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Keep some records, in order, until `finish`."""
        rows.taken += len(part)
        for record in part:
            for name, values in rows.header.items():
                values[record.row] = record.columns.get(name)
            if record.status is not None:
                rows.reject(record.row, record.status, record.detail)
                continue
            if record.detail:
                self._remarks[record.row] = record.detail
            for name, encoded in zip(self._scorers, record.inputs, strict=True):
                if encoded.fault is not None:
                    rows.models[name].reject(record.row, *encoded.fault)
                else:
                    self._held[name].append((record.row, encoded))

    def finish(self, rows: ShardRows) -> float:
        """Score all that is kept. Returns the seconds that it took.

        Raises WardroundError if not every record came by.
        """
        if rows.taken != rows.records.num_rows:
            raise WardroundError(
                f"{rows.taken} of the {rows.records.num_rows} records of a shard were read: this is a bug, "
                "nothing is written"
            )
        self._crash_where_told(rows)
        for name, scorer in self._scorers.items():
            held, self._held[name] = self._held[name], []
            for run in _runs(held):
                self._score(scorer, rows.models[name], run)
        for row, remark in self._remarks.items():
            # Of a single model's rejection `detail` has to say why.
            if len(rows.models) > 1 or all(columns.statuses[row] is None for columns in rows.models.values()):
                rows.details[row] = remark
        return self.seconds - self._before

    def _score(self, scorer: NoteScorer, columns: ModelColumns, run: Sequence[tuple[int, Encoded]]) -> None:
        began, computing = time.perf_counter(), time.thread_time()
        try:
            values = scorer.score([encoded.value for _, encoded in run])
        except RecordError as error:
            self._refused(scorer, columns, run, error)
            return
        except MemoryError:
            raise InfrastructureError(
                "the device has no memory left for the smallest batch of notes: give the workers more memory, "
                "or lower input.max_chars"
            ) from None
        finally:
            self.seconds += time.perf_counter() - began
            self.core_seconds += time.thread_time() - computing
        columns.put([(row, 0) for row, _ in run], values)

    def _refused(
        self, scorer: NoteScorer, columns: ModelColumns, run: Sequence[tuple[int, Encoded]], error: RecordError
    ) -> None:
        """One note may be to blame for all: halves are tried, so that none suffers for another."""
        if len(run) == 1:
            columns.reject(run[0][0], Status(error.status), error.detail)
            return
        middle = len(run) // 2
        self._score(scorer, columns, run[:middle])
        self._score(scorer, columns, run[middle:])

    def _crash_where_told(self, rows: ShardRows) -> None:
        if crash_armed("forward.record"):
            for record_id in rows.records["record_id"].to_pylist():
                crashpoint("forward.record", record_id)


def _runs(held: Sequence[tuple[int, Encoded]]) -> Iterator[Sequence[tuple[int, Encoded]]]:
    start = size = 0
    for index, (_, encoded) in enumerate(held):
        if index > start and size + encoded.nbytes > HELD_BYTES:
            yield held[start:index]
            start, size = index, 0
        size += encoded.nbytes
    if held:
        yield held[start:]
