"""Pass the prepared records of a shard through every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import WardroundError
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows
from workers.engine.runner import ModelRunner


class Scorer:
    """All models of a run over one decoded record: read once, scored by each. Implements `Scoring`.

    `prepare_of` says which of a record's prepared inputs each model takes.
    """

    def __init__(self, runners: Mapping[str, ModelRunner], prepare_of: Mapping[str, int], device: str = "cpu") -> None:
        self.device = device
        self.runners = dict(runners)
        self.prepare_of = dict(prepare_of)
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """Seconds in forward passes since the start."""
        return sum(runner.seconds for runner in self.runners.values())

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in forward passes since the start."""
        return sum(runner.core_seconds for runner in self.runners.values())

    @property
    def is_tuned(self) -> bool:
        """Whether every model has found its batch size by measurement."""
        return bool(self.runners) and all(runner.tuner.measured for runner in self.runners.values())

    def tuning(self) -> Mapping[str, Any]:
        """What was measured, by model."""
        return {name: runner.tuner.known for name, runner in self.runners.items() if runner.tuner.known}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        ids: Sequence[str] = rows.records["record_id"].to_pylist() if self.runners else ()
        rows.models = {name: runner.start(len(ids), ids) for name, runner in self.runners.items()}
        self._seconds_before = self.seconds

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Take in some records, in order."""
        rows.taken += len(part)
        for record in part:
            for name, values in rows.header.items():
                values[record.row] = record.columns.get(name)
            if record.status is not None:
                rows.reject(record.row, record.status, record.detail)
                continue
            for name, runner in self.runners.items():
                for frame, array in enumerate(record.inputs[self.prepare_of[name]]):
                    runner.add((record.row, frame), array)

    def finish(self, rows: ShardRows) -> float:
        """Score what still waits. Returns the seconds that the shard took on the device.

        Raises WardroundError if not every record came by.
        """
        if rows.taken != rows.records.num_rows:
            raise WardroundError(
                f"{rows.taken} of the {rows.records.num_rows} records of a shard were read: this is a bug, "
                "nothing is written"
            )
        for runner in self.runners.values():
            runner.flush()
        return self.seconds - self._seconds_before
