"""Show volumes to every model, and make columns of what it marks or tells.

The thread that calls does nothing but run networks. The way back to the original grid, measures, files and their
compression are work behind it (`workers.pipeline.behind`), of which a bounded number of volumes may wait.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from schemas.errors import RecordError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.heartbeat import AFTER_READING, beat
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.windows.finished import Finished, Runner
from workers.pipeline.behind import Behind, Lane, Later
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.pipeline.tuning import Tuner

_MOST_VOLUMES = 2
"""Volumes that were shown to all models and whose masks and measures are still being made."""

Values = Callable[[str, VolumeInputs, Any], tuple[Mapping[str, Any], Sequence[str]]]
"""(record id, the volume, what its runner kept) -> one value an output, and remarks. Raises RecordError."""


@dataclass(frozen=True)
class VolumeScorer:
    """One model of the run: its columns, its runner, which prepare list it takes, and what it makes of the answer."""

    outputs: tuple[OutputField, ...]
    runner: Runner
    takes: int
    values: Values
    tuner: Tuner


@dataclass(frozen=True)
class _Coming:
    """Values that are being made of what model `name` marked in the volume of a row."""

    name: str
    row: int
    lane: Lane
    values: "Future[tuple[Mapping[str, Any], Sequence[str]]]"


class VolumeScoring(ShardScoring):
    """All models of a run over volumes: each volume is read and prepared once, and shown to each of them."""

    def __init__(self, scorers: Mapping[str, VolumeScorer], device: str, behind: Behind) -> None:
        super().__init__(device)
        self._scorers = dict(scorers)
        self._behind = behind
        self._coming: deque[_Coming] = deque()
        self._waiting: dict[str, dict[int, VolumeInputs]] = {}
        self._ids: Sequence[str] = ()

    @property
    def seconds(self) -> float:
        """Seconds in forward passes since the start."""
        return sum(one.runner.seconds for one in self._scorers.values())

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in forward passes since the start."""
        return sum(one.runner.core_seconds for one in self._scorers.values())

    @property
    def held_bytes(self) -> int:
        """Volumes that wait for their windows to be run; one that waits for two models counts once."""
        waiting = {row: inputs for rows in self._waiting.values() for row, inputs in rows.items()}
        return sum(inputs.nbytes for inputs in waiting.values())

    @property
    def is_tuned(self) -> bool:
        """Whether every model has found its batch size by measurement."""
        return bool(self._scorers) and all(one.tuner.measured for one in self._scorers.values())

    def tuning(self) -> Mapping[str, Any]:
        """What was measured, by model."""
        return {name: one.tuner.known for name, one in self._scorers.items() if one.tuner.known}

    def counts(self) -> Mapping[str, int]:
        """Windows of all models, and what befell them where anything did."""
        tallies = [one.runner.tally for one in self._scorers.values()]
        found = {
            "windows": sum(one.windows for one in tallies),
            "windows_reused": sum(one.reused for one in tallies),
            "batches_halved": sum(one.halved for one in tallies),
            "sums_moved": sum(one.moved for one in tallies),
        }
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Drop what is still to be made of volumes."""
        self._behind.close()

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        # A shard that failed half-way has left its own.
        for one in self._scorers.values():
            one.runner.start()
        for coming in self._coming:
            coming.lane.drop()
        self._coming.clear()
        self._waiting = {name: {} for name in self._scorers}
        self._ids = rows.records["record_id"].to_pylist()
        return {name: ModelColumns(one.outputs, len(self._ids)) for name, one in self._scorers.items()}

    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        for record in records:
            for name, one in self._scorers.items():
                inputs: VolumeInputs = record.inputs[0]
                volume = inputs.prepared[one.takes]
                if isinstance(volume, Fault):
                    rows.models[name].reject(record.row, *volume)
                    continue
                self._waiting[name][record.row] = inputs
                self._hand_on(name, rows.models[name], one.runner.add(record.row, volume))
            self._settle(rows, _MOST_VOLUMES * len(self._scorers))

    def _flush(self, rows: ShardRows) -> None:
        for name, one in self._scorers.items():
            self._hand_on(name, rows.models[name], one.runner.flush())
        self._settle(rows, 0)

    def _hand_on(self, name: str, columns: ModelColumns, finished: Sequence[Finished]) -> None:
        """Queue what is to be made of these."""
        for one in finished:
            assert isinstance(one.key, int)
            if one.fault is not None:
                del self._waiting[name][one.key]
                columns.reject(one.key, *one.fault)
                continue
            lane = one.value.lane if isinstance(one.value, Later) else self._behind.lane()
            work = partial(self._made, name, self._ids[one.key], self._waiting[name][one.key], one.value)
            self._coming.append(_Coming(name, one.key, lane, lane.last(work)))

    def _made(
        self, name: str, record_id: str, inputs: VolumeInputs, kept: Any
    ) -> tuple[Mapping[str, Any], Sequence[str]]:
        """The values of one volume, and remarks, in a thread behind."""
        return self._scorers[name].values(record_id, inputs, kept.finish() if isinstance(kept, Later) else kept)

    def _settle(self, rows: ShardRows, most: int) -> None:
        """Take the values that are there, in order, and wait for those before the last `most`."""
        while self._coming and (len(self._coming) > most or self._coming[0].values.done()):
            one = self._coming.popleft()
            columns = rows.models[one.name]
            try:
                values, remarks = one.values.result()
            except RecordError as error:
                columns.reject(one.row, Status(error.status), error.detail)
            except MemoryError:
                columns.reject(one.row, Status.TOO_LARGE, "there is no memory left for what is made of this volume")
            else:
                for remark in remarks:
                    self.remark(one.row, remark)
                columns.put([(one.row, 0)], {output: _one(value) for output, value in values.items()})
            del self._waiting[one.name][one.row]
            beat(AFTER_READING)


def _one(value: Any) -> Any:
    """As a column of one value."""
    return np.array([value]) if isinstance(value, np.generic) else [value]
