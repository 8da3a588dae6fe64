"""One worker: three threads that keep reading, device and storage busy at the same time, over shards."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa

from schemas.errors import InfrastructureError
from schemas.work import ShardTask, WorkerPoll
from workers.engine.budget import ByteBudget
from workers.engine.desk import Desk, Offer, Stop
from workers.engine.isolation import score_isolated
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows
from workers.engine.stage import StageJob

_AHEAD = 2
"""Shards in hand before the commit: one on the device, one being read."""
_SHUTDOWN_TIMEOUT_S = 10.0


@dataclass(eq=False)
class _InHand:
    offer: Offer
    rows: ShardRows
    record_ids: pa.ChunkedArray
    began: float
    seconds: dict[str, float] = field(default_factory=dict)


class PipelineWorker:
    """Scores and commits shards of one stage. Implements `schemas.work.Worker`."""

    def __init__(self, job: StageJob, budget: ByteBudget) -> None:
        self.job = job
        self.budget = budget
        self._offers: queue.SimpleQueue[Offer | None] = queue.SimpleQueue()
        self._prepared: queue.SimpleQueue[tuple[_InHand, list[Prepared] | None] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[_InHand | None] = queue.SimpleQueue()
        self._desk = Desk()
        self._loaded = False
        self._records_done = 0
        self._closed = False
        self._tuning_kept = False
        self._born = time.monotonic()
        loops = (self._read_loop, self._forward_loop, self._commit_loop)
        guard = self._desk.guard
        self._threads = [threading.Thread(target=guard, args=(loop, budget.close), daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def offer(self, task: ShardTask) -> None:
        """Queue one task."""
        offer = self._desk.take(task)
        if offer is not None:
            self._offers.put(offer)

    def poll(self) -> WorkerPoll:
        """Reports since the last poll, and the state now."""
        done, running, in_pipeline = self._desk.drain_reports()
        return WorkerPoll(
            ready=True,
            done=done,
            running=running,
            wants=max(0, min(self._depth() - in_pipeline, 2 * self._depth() - len(running))),
            records_done=self._records_done,
            info=self.job.info(time.monotonic() - self._born),
        )

    def cancel(self, shard: int) -> None:
        """Forget a shard as soon as a thread comes to it."""
        self._desk.cancel(shard)

    def close(self) -> None:
        """Stop the threads and children; unfinished shards are dropped.

        Waits for the record or batch in hand: a thread that is inside a decoder or a network when the interpreter ends
        takes the process down with it.
        """
        self._closed = True
        self.budget.close()
        self._offers.put(None)
        self._prepared.put(None)
        self._finished.put(None)
        self.job.close()
        end = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _depth(self) -> int:
        """Shards in hand before the commit; as many more may wait for theirs while storage is slow.

        Tiny shards are taken by the handful, so that the round trip to the driver is not what limits them.
        """
        return max(_AHEAD, min(64, 64 // self.job.run.plan.shard_records))

    def _read_loop(self) -> None:
        while (offer := self._offers.get()) is not None and not self._closed:
            self._desk.attempt(offer, partial(self._read, offer))

    def _read(self, offer: Offer) -> None:
        if not self._desk.is_current(offer):
            return
        if offer.task.mode == "isolate":
            self._isolate(offer)
            return
        records = self.job.records(offer.task)
        hand = _InHand(offer, self.job.new_rows(records), records["record_id"], time.monotonic())
        began = time.perf_counter()
        with closing(self.job.reader.read(records)) as parts:
            for part in parts:
                self._prepared.put((hand, part))
                if self._closed:
                    raise Stop
                if not self._desk.is_current(offer):
                    return
        hand.seconds["read"] = time.perf_counter() - began
        self._prepared.put((hand, None))

    def _isolate(self, offer: Offer) -> None:
        began = time.perf_counter()
        records = self.job.records(offer.task)
        table = score_isolated(self.job, offer.task, records)
        hand = _InHand(offer, ShardRows(records, {}, [], []), records["record_id"], time.monotonic())
        hand.seconds["isolate"] = time.perf_counter() - began
        self._desk.leaves_pipeline(offer)
        self._commit(hand, table)

    def _load(self) -> None:
        self.job.load_models()
        self._loaded = True

    def _first_load(self) -> None:
        """Load while the first shard is read. Where storage fails, each later shard tries again."""
        try:
            self._load()
        except InfrastructureError as error:
            self._desk.fail_all(error)

    def _forward_loop(self) -> None:
        self._first_load()
        current: _InHand | None = None
        while (item := self._prepared.get()) is not None and not self._closed:
            hand, part = item
            if hand is not current:
                current = hand
                self._desk.attempt(hand.offer, partial(self._start, hand))
            if part is None:
                self._desk.attempt(hand.offer, partial(self._end_of_shard, hand))
            else:
                self._desk.attempt(hand.offer, partial(self._score, hand, part))

    def _start(self, hand: _InHand) -> None:
        if not self._desk.is_current(hand.offer):
            return
        if not self._loaded:
            self._load()
        self.job.scorer.start(hand.rows)

    def _score(self, hand: _InHand, part: list[Prepared]) -> None:
        try:
            if self._desk.is_current(hand.offer):
                self.job.scorer.score(hand.rows, part)
                self._records_done += len(part)
                self._keep_tuning()
        finally:
            self.budget.add(-sum(record.nbytes for record in part))

    def _keep_tuning(self) -> None:
        if not self._tuning_kept and self.job.scorer.is_tuned:
            self._tuning_kept = True
            self.job.keep_tuning()

    def _end_of_shard(self, hand: _InHand) -> None:
        if self._desk.is_current(hand.offer):
            hand.seconds["forward"] = self.job.scorer.finish(hand.rows)
            self._desk.leaves_pipeline(hand.offer)
            self._finished.put(hand)

    def _commit_loop(self) -> None:
        while (hand := self._finished.get()) is not None and not self._closed:
            self._desk.attempt(hand.offer, partial(self._commit, hand, None))

    def _commit(self, hand: _InHand, table: pa.Table | None) -> None:
        if not self._desk.is_current(hand.offer):
            return
        began = time.perf_counter()
        report = self.job.commit(hand.offer.task, hand.rows, hand.record_ids, table)
        seconds = {**hand.seconds, "commit": time.perf_counter() - began, "total": time.monotonic() - hand.began}
        self._desk.report(hand.offer, replace(report, seconds=seconds))
