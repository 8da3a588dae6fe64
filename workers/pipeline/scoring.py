"""Pass the prepared records of a shard through every model: what all ways have in common, and arrays in batches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import WardroundError
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.runner import ModelRunner


class ShardScoring(ABC):
    """The device's side of a stage of records: takes a shard's records in order, keeps account of them, fills
    `rows.models`, and lets none be left out. `device` is 'cpu' or 'cuda'."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._remarks: dict[int, str] = {}
        self._seconds_before = 0.0

    @property
    @abstractmethod
    def seconds(self) -> float:
        """Seconds in models since the start."""

    @property
    @abstractmethod
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in models since the start."""

    @property
    @abstractmethod
    def held_bytes(self) -> int:
        """Inputs that were taken in and wait for more of their shard; they count against the byte budget."""

    @property
    def is_tuned(self) -> bool:
        """Whether there is a measurement worth keeping: none is made unless a subclass does."""
        return False

    def tuning(self) -> Mapping[str, Any]:
        """What was measured, as plain JSON by model."""
        return {}

    def counts(self) -> Mapping[str, int]:
        """What it counted beside records since the start, by name, for summary and report."""
        return {}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        rows.models = self._begin(rows)
        self._remarks = {}
        self._seconds_before = self.seconds

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Take in some records, in order: a part as the reader gave it."""
        rows.taken += len(part)
        self._take(rows, [record for record in part if self._is_good(rows, record)])

    def _is_good(self, rows: ShardRows, record: Prepared) -> bool:
        for name, values in rows.header.items():
            # Also of a record that is rejected: what its header says helps to find out why.
            values[record.row] = record.columns.get(name)
        if record.status is not None:
            rows.reject(record.row, record.status, record.detail)
        elif record.detail:
            self.remark(record.row, record.detail)
        return record.status is None

    def finish(self, rows: ShardRows) -> float:
        """Score what still waits. Returns the seconds that the shard took on the device.

        Raises WardroundError if not every record came by.
        """
        if rows.taken != rows.records.num_rows:
            raise WardroundError(
                f"{rows.taken} of the {rows.records.num_rows} records of a shard were read: this is a bug, "
                "nothing is written"
            )
        self._flush(rows)
        for row, remark in self._remarks.items():
            # Of a single model's rejection `detail` has to say why.
            if len(rows.models) > 1 or all(columns.statuses[row] is None for columns in rows.models.values()):
                rows.details[row] = remark
        return self.seconds - self._seconds_before

    def remark(self, row: int, text: str) -> None:
        """Say this in the `detail` of a record that is ok, once."""
        said = self._remarks.get(row, "")
        if text not in said.split("; "):
            self._remarks[row] = f"{said}; {text}" if said else text

    def close(self) -> None:
        """Stop threads, if there are any."""
        return

    @abstractmethod
    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        """Forget the last shard. Returns empty columns, one a model."""

    @abstractmethod
    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        """Score or keep these records; none of them is rejected."""

    @abstractmethod
    def _flush(self, rows: ShardRows) -> None:
        """Score what is kept."""


class ArrayScoring(ShardScoring):
    """All models of a run over arrays such as images: read once, scored by each, in batches of one shape.

    `prepare_of` says which of a record's prepared inputs each model takes.
    """

    def __init__(self, runners: Mapping[str, ModelRunner], prepare_of: Mapping[str, int], device: str = "cpu") -> None:
        super().__init__(device)
        self.runners = dict(runners)
        self.prepare_of = dict(prepare_of)

    @property
    def seconds(self) -> float:
        """Seconds in forward passes since the start."""
        return sum(runner.seconds for runner in self.runners.values())

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in forward passes since the start."""
        return sum(runner.core_seconds for runner in self.runners.values())

    @property
    def held_bytes(self) -> int:
        """Arrays that wait for their batches to fill; one that waits for two models counts twice."""
        return sum(runner.waiting_bytes for runner in self.runners.values())

    @property
    def is_tuned(self) -> bool:
        """Whether every model has found its batch size by measurement."""
        return bool(self.runners) and all(runner.tuner.measured for runner in self.runners.values())

    def tuning(self) -> Mapping[str, Any]:
        """What was measured, by model."""
        return {name: runner.tuner.known for name, runner in self.runners.items() if runner.tuner.known}

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        ids: Sequence[str] = rows.records["record_id"].to_pylist() if self.runners else ()
        return {name: runner.start(len(ids), ids) for name, runner in self.runners.items()}

    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        for record in records:
            for name in self.runners:
                self._take_one(record, name)

    def _take_one(self, record: Prepared, name: str) -> None:
        """Queue the arrays of one record for one model."""
        for frame, array in enumerate(record.inputs[self.prepare_of[name]]):
            self.runners[name].add((record.row, frame), array)

    def _flush(self, rows: ShardRows) -> None:
        for runner in self.runners.values():
            runner.flush()
