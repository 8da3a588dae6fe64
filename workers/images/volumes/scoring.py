"""Show volumes to every model, and make columns of what it marks or tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.errors import RecordError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.windows.finished import Finished, Runner
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.pipeline.tuning import Tuner

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


class VolumeScoring(ShardScoring):
    """All models of a run over volumes: each volume is read and prepared once, and shown to each of them."""

    def __init__(self, scorers: Mapping[str, VolumeScorer], device: str) -> None:
        super().__init__(device)
        self._scorers = dict(scorers)
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

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        for name, waiting in self._waiting.items():
            if waiting:
                # A shard that failed half-way has left its own.
                self._scorers[name].runner.flush()
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
                self._put(name, rows.models[name], one.runner.add(record.row, volume))

    def _flush(self, rows: ShardRows) -> None:
        for name, one in self._scorers.items():
            self._put(name, rows.models[name], one.runner.flush())

    def _put(self, name: str, columns: ModelColumns, finished: Sequence[Finished]) -> None:
        for one in finished:
            assert isinstance(one.key, int)
            inputs = self._waiting[name].pop(one.key)
            if one.fault is not None:
                columns.reject(one.key, *one.fault)
                continue
            try:
                values, remarks = self._scorers[name].values(self._ids[one.key], inputs, one.value)
            except RecordError as error:
                columns.reject(one.key, Status(error.status), error.detail)
                continue
            for remark in remarks:
                self.remark(one.key, remark)
            columns.put([(one.key, 0)], {output: _one(value) for output, value in values.items()})


def _one(value: Any) -> Any:
    """As a column of one value."""
    return np.array([value]) if isinstance(value, np.generic) else [value]
