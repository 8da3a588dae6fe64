"""A worker for stages that work on whole shards: one thread computes, another commits what is done."""

import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from schemas.errors import WardroundError
from workers.pipeline.context import StageContext
from workers.pipeline.desk import Offer
from workers.pipeline.kinds import ShardStage, ShardTable, TellsOfItself
from workers.pipeline.publish import publish
from workers.pipeline.threaded import ThreadedWorker

_AHEAD = 2
"""Shards in hand before the commit: one being computed, one waiting, so that the next begins at once."""
_UNWRITTEN = 2
"""Computed shards that may wait for their commit."""


@dataclass(eq=False)
class _Computed:
    offer: Offer
    record_ids: pa.ChunkedArray
    result: ShardTable
    seconds: float


class ShardWorker(ThreadedWorker):
    """Computes and commits shards of one stage.

    A shard that killed its worker is tried again alone, and never in halves: what it writes may depend on all of it.
    """

    def __init__(self, context: StageContext, stage: ShardStage) -> None:
        super().__init__()
        self._context = context
        self._stage = stage
        self._core_seconds = 0.0
        self._computed: queue.Queue[_Computed | None] = queue.Queue(_UNWRITTEN)
        self._run(self._compute_loop, self._commit_loop)

    def _wants(self, before_commit: int, in_hand: int) -> int:
        # One that may take days does not wait here while another worker has nothing to do.
        return (1 if self._context.run.kind == "long" else _AHEAD) - before_commit

    def _info(self, alive: float) -> Mapping[str, Any]:
        return {
            **(self._stage.info() if isinstance(self._stage, TellsOfItself) else {}),
            "core_seconds_used": self._core_seconds,
            # One that only waits for the processes of a group has no cores, and nothing to say of theirs.
            "core_seconds_given": 0.0 if self._context.job.get("group") else alive * max(1.0, self._context.cpus),
        }

    def _is_stalled(self) -> bool:
        return isinstance(self._stage, TellsOfItself) and self._stage.is_stalled()

    def _release(self) -> None:
        self._stage.close()

    def _compute_loop(self) -> None:
        while (offer := self._offers.get()) is not None and not self._closed:
            self._desk.attempt(offer, partial(self._compute, offer))
        self._computed.put(None)

    def _compute(self, offer: Offer) -> None:
        if not self._desk.is_current(offer):
            return
        if offer.task.sample:
            raise WardroundError("a stage of whole shards was asked for a sample: this is a bug")
        records = self._context.plan.shard(offer.task.shard)
        began, computing = time.perf_counter(), time.thread_time()
        result = self._stage.compute(offer.task.shard, records)
        own = time.thread_time() - computing
        self._core_seconds += own if result.core_seconds is None else result.core_seconds
        self._records_done += records.num_rows
        self._desk.leaves_pipeline(offer)
        self._computed.put(_Computed(offer, records["record_id"], result, time.perf_counter() - began))

    def _commit_loop(self) -> None:
        while (computed := self._computed.get()) is not None and not self._closed:
            self._desk.attempt(computed.offer, partial(self._commit, computed))

    def _commit(self, computed: _Computed) -> None:
        if not self._desk.is_current(computed.offer):
            return
        began = time.perf_counter()
        result = computed.result
        report = publish(
            self._context, computed.offer.task, result.table, computed.record_ids, result.side, result.vouched
        )
        seconds = {**result.seconds, "compute": computed.seconds, "commit": time.perf_counter() - began}
        self._desk.report(computed.offer, replace(report, seconds=seconds))
