"""The device's side of collection `sequences`: what was encoded of a shard goes to each model's scorer at once."""

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
from workers.genomics.sequences.contract import SequenceScorer
from workers.genomics.sequences.outputs import columns_of, variant_outputs

HELD_BYTES = 256 << 20
"""More encoded windows than this are scored in runs; cut by the shard's own content only."""


class SequenceScoring:
    """Implements `workers.engine.kinds.Scoring`. `scorers` are in the order in which records have their inputs."""

    is_tuned = False

    def __init__(self, scorers: Mapping[str, SequenceScorer], has_variants: bool, device: str) -> None:
        self.device = device
        self.seconds = 0.0
        self.core_seconds = 0.0
        self._scorers = dict(scorers)
        self._has_variants = has_variants
        self._held: dict[str, list[tuple[int, Encoded]]] = {}
        self._bytes: dict[str, int] = {}
        self._before = 0.0

    def tuning(self) -> Mapping[str, Any]:
        """Nothing is measured: batches are cut by what the windows hold."""
        return {}

    def start(self, rows: ShardRows) -> None:
        """Begin a shard."""
        count = rows.records.num_rows
        rows.models = {
            name: ModelColumns(variant_outputs(scorer.outputs) if self._has_variants else scorer.outputs, count)
            for name, scorer in self._scorers.items()
        }
        self._held = {name: [] for name in self._scorers}
        self._bytes = dict.fromkeys(self._scorers, 0)
        self._before = self.seconds

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Keep some records, in order, until `finish`, or until they are many."""
        rows.taken += len(part)
        for record in part:
            if record.status is not None:
                rows.reject(record.row, record.status, record.detail)
                continue
            for name, encoded in zip(self._scorers, record.inputs, strict=True):
                if encoded.fault is not None:
                    rows.models[name].reject(record.row, *encoded.fault)
                else:
                    self._hold(rows, name, record.row, encoded)

    def _hold(self, rows: ShardRows, name: str, row: int, encoded: Encoded) -> None:
        if self._held[name] and self._bytes[name] + encoded.nbytes > HELD_BYTES:
            self._score(rows, name)
        self._held[name].append((row, encoded))
        self._bytes[name] += encoded.nbytes

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
        for name in self._scorers:
            if self._held[name]:
                self._score(rows, name)
        return self.seconds - self._before

    def _score(self, rows: ShardRows, name: str) -> None:
        held, self._held[name], self._bytes[name] = self._held[name], [], 0
        scorer = self._scorers[name]
        began, computing = time.perf_counter(), time.thread_time()
        try:
            ref, alt = scorer.score([encoded.value for _, encoded in held])
        except MemoryError:
            raise InfrastructureError(
                f"the device has no memory left for the smallest batch of model {name}: give the workers more memory, "
                "or a shorter window"
            ) from None
        finally:
            self.seconds += time.perf_counter() - began
            self.core_seconds += time.thread_time() - computing
        rows.models[name].put([(row, 0) for row, _ in held], columns_of(scorer.outputs, ref, alt))
