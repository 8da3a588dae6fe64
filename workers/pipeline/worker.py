"""One worker: three threads that keep reading, device and storage busy at the same time, over shards."""

import math
import queue
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import pyarrow as pa

from schemas.errors import InfrastructureError, NoMemoryError, WardroundError
from schemas.work import ShardReport, ShardTask
from workers.heartbeat import Heartbeat
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.desk import Offer, Stop
from workers.pipeline.kinds import ShardTable
from workers.pipeline.models import release_device_memory
from workers.pipeline.reading import Prepared, Reader
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.pipeline.threaded import ThreadedWorker

_AHEAD = 2
"""Shards in hand before the commit: one on the device, one being read."""
_MOST_RECORDS = 64
"""Records in hand before the commit, of shards that take a moment."""
_ROUND_TRIP_S = 0.5
"""The driver may take so long to hear that a shard is done, and to give the next."""


class RecordJob(Protocol):
    """What the pipeline needs of a stage of records."""

    @property
    def shard_records(self) -> int:
        """Records of a shard, at most."""

    @property
    def reader(self) -> Reader:
        """Reads ahead."""

    @property
    def scorer(self) -> ShardScoring:
        """The device's side; one without models until `load_models` has come to its end."""

    def load_models(self) -> None:
        """Raises InfrastructureError where storage fails: the next shard tries again."""

    def keep_tuning(self) -> None:
        """Put what was measured where later workers find it."""

    def records(self, task: ShardTask) -> pa.Table:
        """The planned records of a task."""

    def new_rows(self, records: pa.Table) -> ShardRows:
        """Empty results for these records."""

    def start(self, task: ShardTask, rows: ShardRows) -> Callable[[], ShardTable]:
        """Begin a shard. What is returned gives its rows once all is scored, after their side objects lie there."""

    def isolate(self, task: ShardTask, records: pa.Table) -> ShardTable:
        """The rows of a shard that killed a worker, whatever its records do."""

    def commit(self, task: ShardTask, finished: ShardTable, record_ids: pa.ChunkedArray) -> ShardReport:
        """Publish a shard."""

    def info(self, alive: float) -> Mapping[str, Any]:
        """Figures for progress and report."""

    def close(self) -> None:
        """Stop what reads."""


class Pace:
    """How fast shards follow each other at the end of the device."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=9)

    def note(self, now: float) -> None:
        """One more is done."""
        self._ends.append(now)

    def within(self, seconds: float) -> int:
        """How many are done in this time; 0 while nothing is known."""
        ends = list(self._ends)
        gaps = sorted(later - earlier for earlier, later in pairwise(ends))
        # A short pause is the device's own pace: a long one may have been a wait for work.
        return math.ceil(seconds / max(gaps[len(gaps) // 3], 1e-3)) if gaps else 0


def _not_started() -> ShardTable:
    raise WardroundError("a shard was committed before it was begun: this is a bug")


@dataclass(eq=False)
class _InHand:
    offer: Offer
    rows: ShardRows
    record_ids: pa.ChunkedArray
    began: float
    finish: Callable[[], ShardTable] = _not_started
    seconds: dict[str, float] = field(default_factory=dict)


class PipelineWorker(ThreadedWorker):
    """Scores and commits shards of one stage of records."""

    def __init__(self, job: RecordJob, budget: ByteBudget, record_timeout_s: float = math.inf) -> None:
        super().__init__()
        self._record_timeout_s = record_timeout_s
        self._isolating = False
        self._heart = Heartbeat()
        self.job = job
        self.budget = budget
        # Without a limit of its own: what holds the reader back is the budget of bytes.
        self._prepared: queue.SimpleQueue[tuple[_InHand, list[Prepared] | None] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[_InHand | None] = queue.SimpleQueue()
        self._pace = Pace()
        self._loaded = False
        self._tuning_kept = False
        self._run(self._read_loop, self._forward_loop, self._commit_loop, give_up=budget.close)

    def _wants(self, before_commit: int, in_hand: int) -> int:
        return min(self._depth() - before_commit, 2 * self._depth() - in_hand)

    def _is_stalled(self) -> bool:
        return self._loaded and not self._isolating and self._heart.is_stalled(self._record_timeout_s)

    def _info(self, alive: float) -> Mapping[str, Any]:
        return self.job.info(alive)

    def _release(self) -> None:
        self.budget.close()
        self._prepared.put(None)
        self._finished.put(None)
        self.job.close()

    def _depth(self) -> int:
        """Shards in hand before the commit; as many more may wait for theirs while storage is slow.

        Shards that take a moment are taken by the handful, so that the round trip to the driver is not what limits
        them; of shards that take long, however few records they have, other workers would miss what one hoards.
        """
        return max(_AHEAD, min(_MOST_RECORDS // self.job.shard_records, self._pace.within(_ROUND_TRIP_S)))

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
                self._heart.beat()
                self._prepared.put((hand, part))
                if self._closed:
                    raise Stop
                # On the way out `closing` takes what was read ahead off the budget.
                if not self._desk.is_current(offer):
                    return
        hand.seconds["read"] = time.perf_counter() - began
        self._prepared.put((hand, None))

    def _isolate(self, offer: Offer) -> None:
        began = time.perf_counter()
        records = self.job.records(offer.task)
        self._isolating = True
        try:
            finished = self.job.isolate(offer.task, records)
        finally:
            self._heart.beat()
            self._isolating = False
        hand = _InHand(offer, ShardRows(records, {}, [], []), records["record_id"], time.monotonic())
        hand.seconds["isolate"] = time.perf_counter() - began
        self._desk.leaves_pipeline(offer)
        hand.finish = lambda: finished
        self._commit(hand)

    def _load(self) -> None:
        self.job.load_models()
        self._heart.beat()
        self._loaded = True

    def _first_load(self) -> None:
        """Load while the first shard is read. Where storage fails, each later shard tries again."""
        try:
            self._load()
        except InfrastructureError as error:
            self._desk.fail_all(error)

    def _forward_loop(self) -> None:
        with self._heart.heard():
            self._forward()

    def _forward(self) -> None:
        self._first_load()
        current: _InHand | None = None
        while (item := self._prepared.get()) is not None and not self._closed:
            hand, part = item
            if hand is not current:
                current = hand
                self._desk.attempt(hand.offer, partial(self._start, hand))
            step = partial(self._end_of_shard, hand) if part is None else partial(self._score, hand, part)
            self._desk.attempt(hand.offer, partial(self._or_apart, hand, step))

    def _or_apart(self, hand: _InHand, step: Callable[[], None]) -> None:
        """Where the device has no memory for one record, its shard goes to processes of its own, which find it."""
        try:
            step()
        except NoMemoryError:
            pass
        else:
            return
        # After the exception is gone, and with it what it held.
        release_device_memory()
        self._isolate(hand.offer)

    def _start(self, hand: _InHand) -> None:
        if not self._desk.is_current(hand.offer):
            return
        if not self._loaded:
            self._load()
        hand.finish = self.job.start(hand.offer.task, hand.rows)
        self._account()

    def _score(self, hand: _InHand, part: list[Prepared]) -> None:
        try:
            if self._desk.is_current(hand.offer):
                self._heart.beat(len(part))
                self.job.scorer.score(hand.rows, part)
                self._heart.beat()
                self._records_done += len(part)
                self._keep_tuning()
        finally:
            # Also of a shard that failed or was cancelled: the reader waits for these bytes.
            self._account(part)

    def _account(self, taken: Sequence[Prepared] = ()) -> None:
        """What scoring still keeps of this and earlier parts counts until it is scored."""
        self.budget.hand_over(sum(record.nbytes for record in taken), self.job.scorer.held_bytes)

    def _keep_tuning(self) -> None:
        if not self._tuning_kept and self.job.scorer.is_tuned:
            self._tuning_kept = True
            self.job.keep_tuning()

    def _end_of_shard(self, hand: _InHand) -> None:
        if self._desk.is_current(hand.offer):
            self._heart.beat(hand.rows.records.num_rows)
            hand.seconds["forward"] = self.job.scorer.finish(hand.rows)
            self._heart.beat()
            self._account()
            self._pace.note(time.monotonic())
            self._desk.leaves_pipeline(hand.offer)
            self._finished.put(hand)

    def _commit_loop(self) -> None:
        while (hand := self._finished.get()) is not None and not self._closed:
            self._desk.attempt(hand.offer, partial(self._commit, hand))

    def _commit(self, hand: _InHand) -> None:
        if not self._desk.is_current(hand.offer):
            return
        began = time.perf_counter()
        report = self.job.commit(hand.offer.task, hand.finish(), hand.record_ids)
        seconds = {**hand.seconds, "commit": time.perf_counter() - began, "total": time.monotonic() - hand.began}
        self._desk.report(hand.offer, replace(report, seconds=seconds))
