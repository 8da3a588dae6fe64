"""The device's side of models that sort and batch for themselves: what was encoded of a shard is held, then scored."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import NoMemoryError, RecordError, WardroundError
from schemas.status import Status
from workers.contract import Scorer
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.refused_records import score_in_halves
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring

HELD_BYTES = 256 << 20
"""A model's inputs are scored as soon as one more would make them more than this. It is no setting: it cuts runs."""


@dataclass(frozen=True)
class Unit:
    """What a scorer takes as one value: the input of one record, or of several rows that cannot be parted."""

    rows: Sequence[int]
    value: Any
    nbytes: int


TakeIn = Callable[[Sequence[Prepared], int, ModelColumns], Iterable[Unit]]
"""(good records of a part, which of their inputs, columns of the model) -> what the model is to score. Records that
the model cannot take are rejected in its columns."""


def one_a_record(records: Sequence[Prepared], place: int, columns: ModelColumns) -> Iterator[Unit]:
    """Where `inputs` of a record are one `Encoded` a model."""
    for record in records:
        encoded = record.inputs[place]
        if encoded.fault is not None:
            columns.reject(record.row, *encoded.fault)
        else:
            yield Unit((record.row,), encoded.value, encoded.nbytes)


class HeldScoring(ShardScoring):
    """Every model scores a shard at once, or in runs that the shard's own content cuts and nothing else.

    `scorers` are in the order in which records have their inputs. `remedy` ends the message where the device has no
    memory left.
    """

    seconds = 0.0
    core_seconds = 0.0

    def __init__(
        self,
        scorers: Mapping[str, Scorer],
        device: str,
        take_in: TakeIn = one_a_record,
        remedy: str = "give the workers more memory",
    ) -> None:
        super().__init__(device)
        self._scorers = dict(scorers)
        self._take_in = take_in
        self._remedy = remedy
        self._held: dict[str, list[Unit]] = {}
        self._bytes: dict[str, int] = {}

    @property
    def held_bytes(self) -> int:
        """Inputs that wait for the end of their shard, or for their run to be full."""
        return sum(self._bytes.values())

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        self._held = {name: [] for name in self._scorers}
        self._bytes = dict.fromkeys(self._scorers, 0)
        count = rows.records.num_rows
        return {name: ModelColumns(scorer.outputs, count) for name, scorer in self._scorers.items()}

    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        for place, name in enumerate(self._scorers):
            for unit in self._take_in(records, place, rows.models[name]):
                # A unit that alone is larger has to pass too.
                if self._held[name] and self._bytes[name] + unit.nbytes > HELD_BYTES:
                    self._score_held(rows, name)
                self._held[name].append(unit)
                self._bytes[name] += unit.nbytes

    def _flush(self, rows: ShardRows) -> None:
        for name in self._scorers:
            if self._held[name]:
                self._score_held(rows, name)

    def _score_held(self, rows: ShardRows, name: str) -> None:
        # Emptied first: whatever scoring raises, the budget must not count them any longer.
        units, self._held[name], self._bytes[name] = self._held[name], [], 0
        if crash_armed("forward.record"):
            for row in (row for unit in units for row in unit.rows):
                crashpoint("forward.record", rows.records["record_id"][row].as_py())
        columns = rows.models[name]
        scored = score_in_halves(units, partial(self._score, name), partial(self._refused, name, columns))
        for run, values in scored:
            columns.put([(row, 0) for unit in run for row in unit.rows], values)

    def _score(self, name: str, units: Sequence[Unit]) -> Mapping[str, Any]:
        began, computing = time.perf_counter(), time.thread_time()
        try:
            return self._scorers[name].score([unit.value for unit in units])
        except MemoryError:
            raise NoMemoryError(
                f"the device has no memory left for the smallest batch of model {name}: {self._remedy}"
            ) from None
        finally:
            self.seconds += time.perf_counter() - began
            self.core_seconds += time.thread_time() - computing

    def _refused(self, name: str, columns: ModelColumns, unit: Unit, error: RecordError) -> None:
        if len(unit.rows) > 1:
            raise WardroundError(
                f"model {name} refuses {len(unit.rows)} records together ({error.detail}): its encoder has to say which"
            )
        columns.reject(unit.rows[0], Status(error.status), error.detail)
