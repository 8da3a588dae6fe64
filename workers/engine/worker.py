"""One worker: three threads that keep reading, device and storage busy at the same time, over shards."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import pyarrow as pa

from schemas.errors import InfrastructureError, WardroundError
from schemas.work import ShardReport, ShardTask, WorkerPoll
from workers.engine.budget import ByteBudget
from workers.engine.isolation import score_isolated
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows
from workers.engine.stage import StageJob

_AHEAD = 2
"""Shards in hand before the commit: one on the device, one being read."""
_LONGEST_GOODBYE_S = 10.0


@dataclass(eq=False)
class _Offer:
    """One offer of a shard, until its report. The same shard may be offered again: what is left in the queues of an
    earlier offer has then nothing to do with the later one."""

    task: ShardTask
    place: Literal["pipeline", "commit"] = "pipeline"
    cancelled: bool = False


@dataclass(eq=False)
class _InHand:
    offer: _Offer
    rows: ShardRows
    record_ids: pa.ChunkedArray
    began: float
    seconds: dict[str, float] = field(default_factory=dict)


class _Stop(Exception):
    """The worker is closing."""


class PipelineWorker:
    """Scores and commits shards of one stage. Implements `schemas.work.Worker`."""

    def __init__(self, job: StageJob, budget: ByteBudget) -> None:
        self.job = job
        self.budget = budget
        self._offers: queue.SimpleQueue[_Offer | None] = queue.SimpleQueue()
        self._prepared: queue.SimpleQueue[tuple[_InHand, list[Prepared] | None] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[_InHand | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._reports: list[ShardReport] = []
        self._hands: dict[int, _Offer] = {}
        self._fatal: WardroundError | None = None
        self._loaded = False
        self._records_done = 0
        self._closed = False
        self._tuning_kept = False
        self._born = time.monotonic()
        loops = (self._read_loop, self._forward_loop, self._commit_loop)
        self._threads = [threading.Thread(target=self._guard, args=(loop,), daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def offer(self, task: ShardTask) -> None:
        """Queue one task."""
        offer = _Offer(task)
        with self._lock:
            self._hands[task.shard] = offer
            fatal = self._fatal
        if fatal is not None:
            self._fail(offer, fatal)
            return
        self._offers.put(offer)

    def poll(self) -> WorkerPoll:
        """Reports since the last poll, and the state now."""
        with self._lock:
            done, self._reports = self._reports, []
            return WorkerPoll(
                ready=True,
                done=done,
                running=tuple(self._hands),
                wants=max(0, self._depth() - sum(offer.place == "pipeline" for offer in self._hands.values())),
                records_done=self._records_done,
                info=self.job.info(time.monotonic() - self._born),
            )

    def cancel(self, shard: int) -> None:
        """Forget a shard as soon as a thread comes to it."""
        with self._lock:
            if shard in self._hands:
                self._hands[shard].cancelled = True

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
        end = time.monotonic() + _LONGEST_GOODBYE_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _depth(self) -> int:
        """Tiny shards are taken by the handful, so that the round trip to the driver is not what limits them."""
        return max(_AHEAD, min(64, 64 // self.job.run.plan.shard_records))

    def _guard(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except _Stop:
            return
        except WardroundError as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001 - told to the driver as an internal error, with its place and type
            self._give_up(WardroundError(_where(error)))

    def _give_up(self, error: WardroundError) -> None:
        """Nothing can be scored here any more: every shard in hand, and every later one, fails with the reason."""
        with self._lock:
            self._fatal = error
        self.budget.close()
        self._fail_all(error)

    def _read_loop(self) -> None:
        while (offer := self._offers.get()) is not None and not self._closed:
            self._attempt(offer, partial(self._read, offer))

    def _read(self, offer: _Offer) -> None:
        if not self._is_wanted(offer):
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
                    raise _Stop
                if not self._is_wanted(offer):
                    return
        hand.seconds["read"] = time.perf_counter() - began
        self._prepared.put((hand, None))

    def _isolate(self, offer: _Offer) -> None:
        began = time.perf_counter()
        records = self.job.records(offer.task)
        table = score_isolated(self.job, offer.task, records)
        hand = _InHand(offer, ShardRows(records, {}, [], []), records["record_id"], time.monotonic())
        hand.seconds["isolate"] = time.perf_counter() - began
        self._leaves_pipeline(offer)
        self._commit(hand, table)

    def _load(self) -> None:
        self.job.load_models()
        self._loaded = True

    def _first_load(self) -> None:
        """Load while the first shard is read. Where storage fails, each later shard tries again."""
        try:
            self._load()
        except InfrastructureError as error:
            self._fail_all(error)

    def _forward_loop(self) -> None:
        self._first_load()
        current: _InHand | None = None
        while (item := self._prepared.get()) is not None and not self._closed:
            hand, part = item
            if hand is not current:
                current = hand
                self._attempt(hand.offer, partial(self._start, hand))
            if part is None:
                self._attempt(hand.offer, partial(self._end_of_shard, hand))
            else:
                self._attempt(hand.offer, partial(self._score, hand, part))

    def _start(self, hand: _InHand) -> None:
        if not self._is_wanted(hand.offer):
            return
        if not self._loaded:
            self._load()
        self.job.scorer.start(hand.rows)

    def _score(self, hand: _InHand, part: list[Prepared]) -> None:
        try:
            if self._is_wanted(hand.offer):
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
        if self._is_wanted(hand.offer):
            hand.seconds["forward"] = self.job.scorer.finish(hand.rows)
            self._leaves_pipeline(hand.offer)
            self._finished.put(hand)

    def _leaves_pipeline(self, offer: _Offer) -> None:
        with self._lock:
            offer.place = "commit"

    def _commit_loop(self) -> None:
        while (hand := self._finished.get()) is not None and not self._closed:
            self._attempt(hand.offer, partial(self._commit, hand, None))

    def _commit(self, hand: _InHand, table: pa.Table | None) -> None:
        if not self._is_wanted(hand.offer):
            return
        began = time.perf_counter()
        report = self.job.commit(hand.offer.task, hand.rows, hand.record_ids, table)
        seconds = {**hand.seconds, "commit": time.perf_counter() - began, "total": time.monotonic() - hand.began}
        self._report(hand.offer, replace(report, seconds=seconds))

    def _attempt(self, offer: _Offer, step: Callable[[], None]) -> None:
        """Run one step of a shard; what goes wrong is that shard's report, and the worker lives on."""
        try:
            step()
        except _Stop:
            raise
        except WardroundError as error:
            self._fail(offer, error)
        except Exception as error:  # noqa: BLE001 - told to the driver as an internal error, with its place and type
            self._fail(offer, WardroundError(_where(error)))

    def _fail(self, offer: _Offer, error: WardroundError) -> None:
        self._report(
            offer,
            ShardReport(
                shard=offer.task.shard,
                outcome="failed",
                error=str(error),
                error_type=type(error).__name__,
                retryable=isinstance(error, InfrastructureError),
            ),
        )

    def _fail_all(self, error: WardroundError) -> None:
        with self._lock:
            offers = list(self._hands.values())
        for offer in offers:
            self._fail(offer, error)

    def _is_wanted(self, offer: _Offer) -> bool:
        """Whether to go on with it; one that was cancelled is forgotten here."""
        with self._lock:
            if self._hands.get(offer.task.shard) is not offer:
                return False
            if offer.cancelled:
                del self._hands[offer.task.shard]
            return not offer.cancelled

    def _report(self, offer: _Offer, report: ShardReport) -> None:
        """Once for each offer; of one that was reported or replaced nobody wants to hear."""
        with self._lock:
            if self._hands.get(offer.task.shard) is offer:
                del self._hands[offer.task.shard]
                self._reports.append(report)


def _where(error: Exception) -> str:
    """Type and place of an exception, without its message: that may hold record content."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "unknown place"
    return f"internal error {type(error).__name__} at {place}; please report it"
