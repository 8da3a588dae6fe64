"""Who gets which shard, when another worker is asked for, and when one may go."""

import math
from collections import deque
from statistics import median

from cluster.pool.contract import PoolSettings
from cluster.pool.ledger import Entry, Ledger
from cluster.pool.worker_set import Seat, WorkerSet
from schemas.errors import InfrastructureError
from schemas.wording import counted
from schemas.work import ShardTask


class Allotment:
    """Hands out the shards of one ledger to one set of workers. `keep_workers`: more work is to come, so the minimum
    is asked for even if this is not enough for it, and nobody is let go."""

    def __init__(
        self, workers: WorkerSet, ledger: Ledger, settings: PoolSettings, keep_workers: bool, now: float
    ) -> None:
        self._workers, self._ledger, self._settings, self._keep_workers = workers, ledger, settings, keep_workers
        # Only the last ones: records may become larger on the way, and the median has to follow.
        self._durations: deque[float] = deque(maxlen=101)
        self._short_since = now
        self._was_staffed = False

    def note_duration(self, seconds: float) -> None:
        """A shard took so long from offer to report."""
        self._durations.append(seconds)

    def turn(self, now: float) -> None:
        """Do all that can be done now. Raises InfrastructureError if workers do not come."""
        self._ledger.wake(now)
        # First, since a suspect needs an idle worker, and what follows leaves none idle.
        self._offer_suspects(now)
        self._offer_waiting(now)
        self._staff(now)
        self._check_staffed(now)
        spare = self._hedge(now) if self._settings.hedge else 0
        if not self._keep_workers:
            self._release(now, spare)

    def _offer_suspects(self, now: float) -> None:
        for seat in self._workers.seats.values():
            task = self._ledger.first("suspect")
            if task is None:
                return
            # It may kill its worker: nothing else is to be in those hands.
            if seat.idle:
                self._give(seat, task, now)

    def _offer_waiting(self, now: float) -> None:
        """One shard at a time to the worker with the least in hand, so that the last shards are spread evenly."""
        share = self._share()
        while (task := self._ledger.first("waiting")) is not None:
            willing = [seat for seat in self._workers.seats.values() if seat.open_to_more and len(seat.hands) < share]
            if not willing:
                return
            self._give(min(willing, key=lambda seat: len(seat.hands)), task, now)

    def _share(self) -> int:
        """So many shards one worker may have in hand: an even part, so that one that is ready a moment before the
        others does not take what they come for. Above the minimum a worker counts once it has its place: until then
        nobody knows whether it comes."""
        workers = self._workers
        coming = min(len(workers.seats), self._settings.min_workers)
        return math.ceil(len(self._ledger) / max(1, coming, workers.ready + workers.loading))

    def _give(self, seat: Seat, task: ShardTask, now: float) -> None:
        seat.give(self._ledger.hold(task.shard, seat.name, now), now)

    def _floor(self) -> int:
        """The minimum of workers, or fewer where there is not work for so many."""
        busy = sum(bool(seat.hands) for seat in self._workers.seats.values())
        return min(self._settings.min_workers, busy + self._ledger.unheld)

    def _staff(self, now: float) -> None:
        """Keep the minimum; grow while there is work that nobody has in hand.

        Asking for workers that do not come yet is what makes a cluster grow; ask for a bounded number at a time.
        """
        settings, workers = self._settings, self._workers
        floor = settings.min_workers if self._keep_workers else self._floor()
        wanted = min(settings.max_workers, max(floor, workers.ready + self._ledger.unheld))
        while len(workers.seats) < wanted and (len(workers.seats) < floor or workers.starting < settings.max_starting):
            workers.spawn(now)

    def _check_staffed(self, now: float) -> None:
        """Raise InfrastructureError if the minimum did not come in time; later, if for as long nobody was there."""
        workers, floor = self._workers, self._floor()
        if workers.ready >= (min(1, floor) if self._was_staffed else floor):
            self._was_staffed = True
            self._short_since = now
        elif now - self._short_since > self._settings.start_timeout_s:
            raise InfrastructureError(
                f"{workers.ready} of at least {counted(floor, 'worker')} ready after "
                f"{self._settings.start_timeout_s:g} s, {workers.loading} still loading their models, "
                f"{workers.starting - workers.loading} without a place: {workers.pending_reason()}"
            )

    def _hedge(self, now: float) -> int:
        """Give idle workers a copy of what runs too long elsewhere, at most one copy of each, longest first.

        Returns how many shards may yet come to need a copy: so many idle workers are worth keeping.
        """
        # What nobody has begun comes before copies.
        if self._ledger.count("waiting") or self._ledger.count("suspect"):
            return 0
        lonely = [entry for entry in self._ledger.held() if _may_be_copied(entry)]
        late = sorted((entry for entry in lonely if self._is_late(entry, now)), key=lambda entry: entry.held_since)
        idle = [seat for seat in self._workers.seats.values() if seat.idle]
        for seat, entry in zip(idle, late, strict=False):
            self._give(seat, entry.task, now)
        return len(lonely)

    def _is_late(self, entry: Entry, now: float) -> bool:
        # One alone: `_may_be_copied` holds for no other entry.
        (holder,) = entry.holders
        if now - self._workers.seats[holder].heard_at > self._settings.unresponsive_s:
            return True
        # Until a first shard is done, nobody knows what is slow.
        usual = median(self._durations) if self._durations else float("inf")
        return now - entry.held_since > max(self._settings.hedge_factor * usual, self._settings.hedge_min_s)

    def _release(self, now: float, spare: int) -> None:
        """With nothing left to hand out, idle workers go, but for `spare`; so do those that are still to come."""
        if self._ledger.unheld:
            return
        for seat in list(self._workers.seats.values()):
            if not seat.ready:
                self._workers.release(seat, now)
            elif seat.idle:
                spare -= 1
                if spare < 0:
                    self._workers.release(seat, now)


def _may_be_copied(entry: Entry) -> bool:
    return entry.task.mode == "normal" and list(entry.holders.values()) == ["normal"]
