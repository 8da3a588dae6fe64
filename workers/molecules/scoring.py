"""The device's side of collection `molecules`: what was encoded of a shard goes to each model's scorer at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import InfrastructureError, WardroundError
from workers.contract import Encoded
from workers.engine.columns import ModelColumns
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows
from workers.molecules.contract import MoleculeScorer


class MoleculeScoring:
    """Implements `workers.engine.kinds.Scoring`. `scorers` are in the order in which records have their inputs."""

    is_tuned = False

    def __init__(self, scorers: Mapping[str, MoleculeScorer], device: str) -> None:
        self.device = device
        self.seconds = 0.0
        self.core_seconds = 0.0
        self._scorers = dict(scorers)
        self._held: dict[str, list[tuple[int, Encoded]]] = {}

    def tuning(self) -> Mapping[str, Any]:
        """Nothing is measured: batches are cut by what is in them."""
        return {}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        count = rows.records.num_rows
        rows.models = {name: ModelColumns(scorer.outputs, count) for name, scorer in self._scorers.items()}
        self._held = {name: [] for name in self._scorers}

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Keep some records, in order, until `finish`."""
        rows.taken += len(part)
        for record in part:
            for name, values in rows.header.items():
                values[record.row] = record.columns.get(name)
            if record.status is not None:
                rows.reject(record.row, record.status, record.detail)
                continue
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
        if crash_armed("forward.record"):
            for record_id in rows.records["record_id"].to_pylist():
                crashpoint("forward.record", record_id)
        before = self.seconds
        for name, scorer in self._scorers.items():
            held, self._held[name] = self._held[name], []
            if held:
                self._score(name, scorer, rows.models[name], held)
        return self.seconds - before

    def _score(
        self, name: str, scorer: MoleculeScorer, columns: ModelColumns, held: Sequence[tuple[int, Encoded]]
    ) -> None:
        began, computing = time.perf_counter(), time.thread_time()
        try:
            values = scorer.score([encoded.value for _, encoded in held])
        except MemoryError:
            raise InfrastructureError(
                f"the device has no memory left for the smallest batch of model {name}: give the workers more memory"
            ) from None
        finally:
            self.seconds += time.perf_counter() - began
            self.core_seconds += time.thread_time() - computing
        columns.put([(row, 0) for row, _ in held], values)
