"""A worker for stages that work on whole shards: one thread computes, another commits what is done."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from schemas.errors import WardroundError
from schemas.work import ShardTask, WorkerPoll
from workers.engine.context import StageContext
from workers.engine.desk import Desk, Offer
from workers.engine.kinds import ShardStage, ShardTable
from workers.engine.publish import publish

_AHEAD = 2
"""Shards in hand before the commit: one being computed, one waiting, so that the next begins at once."""
_UNWRITTEN = 2
"""Computed shards that may wait for their commit."""
_SHUTDOWN_TIMEOUT_S = 10.0


@dataclass(eq=False)
class _Computed:
    offer: Offer
    record_ids: pa.ChunkedArray
    result: ShardTable
    seconds: float


class ShardWorker:
    """Computes and commits shards of one stage. Implements `schemas.work.Worker`.

    A shard that killed its worker is tried again alone, and never in halves: what it writes may depend on all of it.
    """

    def __init__(self, context: StageContext, stage: ShardStage) -> None:
        self._context = context
        self._stage = stage
        self._offers: queue.SimpleQueue[Offer | None] = queue.SimpleQueue()
        self._computed: queue.Queue[_Computed | None] = queue.Queue(_UNWRITTEN)
        self._desk = Desk()
        self._records_done = 0
        self._closed = False
        self._born = time.monotonic()
        loops = (self._compute_loop, self._commit_loop)
        guard, nothing = self._desk.guard, (lambda: None)
        self._threads = [threading.Thread(target=guard, args=(loop, nothing), daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def offer(self, task: ShardTask) -> None:
        """Queue one task."""
        offer = self._desk.take(task)
        if offer is not None:
            self._offers.put(offer)

    def poll(self) -> WorkerPoll:
        """Reports since the last poll, and the state now."""
        done, running, before_commit = self._desk.drain_reports()
        alive = time.monotonic() - self._born
        return WorkerPoll(
            ready=True,
            done=done,
            running=running,
            wants=max(0, _AHEAD - before_commit),
            records_done=self._records_done,
            info={
                "core_seconds_used": self._stage.core_seconds,
                "core_seconds_given": alive * max(1.0, self._context.cpus),
            },
        )

    def cancel(self, shard: int) -> None:
        """Forget a shard as soon as a thread comes to it."""
        self._desk.cancel(shard)

    def close(self) -> None:
        """Stop the threads; unfinished shards are dropped. Waits a while for the shard in hand."""
        self._closed = True
        self._offers.put(None)
        self._stage.close()
        end = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

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
        began = time.perf_counter()
        result = self._stage.compute(offer.task.shard, records)
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
