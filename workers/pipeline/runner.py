"""Run one model over arrays that arrive one by one: batches by key, the out-of-memory ladder, the live measurement."""

import sys
import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import NoMemoryError, RecordError
from schemas.status import Status
from workers import heartbeat
from workers.contract import Array, Model
from workers.models.device_memory import TellsNeed
from workers.models.memory_ladder import MemoryLadder
from workers.pipeline.columns import ModelColumns, Sample
from workers.pipeline.refused_records import score_in_halves
from workers.pipeline.tuning import Tuner

_WAITING_BYTES = 256 * 2**20
"""Arrays of several keys that wait for their batches to fill may hold so much. It is no setting: it cuts batches."""

_LARGE = 64 * 2**20
"""An array above this is asked about before it is scored; below it every device has room for one."""

Batch = Sequence[tuple[Sample, Array]]


class ModelRunner:
    """Scores samples of one shard at a time with one model. Batches never cross a shard."""

    def __init__(self, model: Model, tuner: Tuner, room: int | None = None) -> None:
        """`room` is what the model's device has of memory; None: not known."""
        self.model = model
        self._room = room
        self.tuner = tuner
        self.seconds = 0.0
        self.core_seconds = 0.0
        """Processor seconds of the thread that calls the model, which takes part in what its helpers compute."""
        self._ladder = MemoryLadder(sys.maxsize)
        self._waiting: dict[Hashable, list[tuple[Sample, Array]]] = {}
        self._waiting_bytes: Counter[Hashable] = Counter()
        self._columns: ModelColumns | None = None
        self._ids: Sequence[str] = ()

    def start(self, rows: int, record_ids: Sequence[str] = ()) -> ModelColumns:
        """Begin a shard. `record_ids` are for crash points only."""
        # A shard that failed half-way has left its own.
        self._waiting.clear()
        self._waiting_bytes.clear()
        self._columns = ModelColumns(self.model.outputs, rows)
        self._ids = record_ids if crash_armed("forward.record") else ()
        return self._columns

    def reject(self, row: int, status: Status, detail: str) -> None:
        """This record of the shard is not for this model."""
        assert self._columns is not None
        self._columns.reject(row, status, detail)

    def add(self, sample: Sample, array: Array) -> None:
        """Queue one array; runs the batch that it completes, or the largest one where too much waits."""
        if array.nbytes > _LARGE and (problem := self._too_much(array)):
            self.reject(sample[0], Status.TOO_LARGE, problem)
            return
        key = self.model.batch_key(array)
        waiting = self._waiting.setdefault(key, [])
        waiting.append((sample, array))
        self._waiting_bytes[key] += array.nbytes
        if len(waiting) >= self._batch_size(key):
            self._run_waiting(key)
        elif len(self._waiting) > 1 and self.waiting_bytes > _WAITING_BYTES:
            # The key with the most bytes, so that few batches are run before they are full.
            self._run_waiting(max(self._waiting, key=self._waiting_bytes.__getitem__))

    def _too_much(self, array: Array) -> str:
        """Why it is not even tried: the process would be killed, and its neighbours with it. Empty if it is."""
        if self._room is None or not isinstance(self.model, TellsNeed):
            return ""
        needed = self.model.bytes_needed(array)
        return (
            f"scoring it needs {needed >> 20} MiB of memory, the device has {self._room >> 20}"
            if needed > self._room
            else ""
        )

    @property
    def waiting_bytes(self) -> int:
        """Arrays that wait for their batches to fill."""
        return self._waiting_bytes.total()

    def _run_waiting(self, key: Hashable) -> None:
        del self._waiting_bytes[key]
        self._run(key, self._waiting.pop(key))

    def flush(self) -> None:
        """Run what is left of the shard, in order of first arrival."""
        for key in list(self._waiting):
            self._run_waiting(key)

    def _batch_size(self, key: Hashable) -> int:
        return min(self.tuner.batch_size(key), self._ladder.budget)

    def _run(self, key: Hashable, samples: Batch) -> None:
        try:
            self._ladder.run(samples, partial(self._score, key), at_most=self.tuner.batch_size(key))
        except MemoryError:
            raise NoMemoryError(
                "the device has no memory left for a batch of one record: give the workers more memory, "
                "or set input limits that refuse such records"
            ) from None

    def _score(self, key: Hashable, samples: Batch) -> None:
        """Values are put once all are there: where memory runs out among halves, the whole batch is tried again."""
        assert self._columns is not None
        for (row, _), _ in samples if self._ids else ():
            crashpoint("forward.record", self._ids[row])
        for part, values in score_in_halves(samples, partial(self._forward, key), self._refused):
            self._columns.put([sample for sample, _ in part], values)

    def _forward(self, key: Hashable, samples: Batch) -> Mapping[str, Any]:
        arrays = [array for _, array in samples]
        choice = self.tuner.before(key, self.model)
        began, computing = time.perf_counter(), time.thread_time()
        heartbeat.beat(len(arrays))
        try:
            values = self.model.forward(arrays)
        finally:
            spent = time.perf_counter() - began
            self.seconds += spent
            self.core_seconds += time.thread_time() - computing
        self.tuner.after(key, choice, len(arrays), spent)
        return values

    def _refused(self, refused: tuple[Sample, Array], error: RecordError) -> None:
        (row, _), _ = refused
        self.reject(row, Status(error.status), error.detail)
