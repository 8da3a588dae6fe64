"""The workers of a dispatcher: who is there, who is ready, what each has in hand, who has not answered."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.pool.contract import Handle, Host, PoolSettings, WorkerLost
from schemas.work import ShardReport, ShardTask, WorkerPoll


@dataclass
class Seat:
    """One worker. `hands` are the tasks that it was offered and has not reported, in that order."""

    handle: Handle
    heard_at: float
    hands: dict[int, ShardTask] = field(default_factory=dict)
    poll: WorkerPoll = field(default_factory=lambda: WorkerPoll(ready=False))
    wants: int = 0
    oldest: int | None = None
    oldest_since: float = 0.0
    placed_at: float | None = None

    @property
    def name(self) -> str:
        return self.handle.name

    @property
    def ready(self) -> bool:
        return self.poll.ready

    @property
    def idle(self) -> bool:
        """Ready, willing, and with nothing in hand."""
        return self.ready and self.wants > 0 and not self.hands and not self.poll.running

    @property
    def open_to_more(self) -> bool:
        """Ready for one more ordinary shard: a suspect shares its worker with nothing."""
        return self.ready and self.wants > 0 and all(task.mode == "normal" for task in self.hands.values())

    def give(self, task: ShardTask, now: float) -> None:
        """Hand over a task."""
        self.handle.offer(task)
        self.hands[task.shard] = task
        # Until its next answer, which counts for itself.
        self.wants -= 1
        self._find_oldest(now)

    def take_back(self, shard: int, now: float) -> None:
        """A shard is not this worker's business any more."""
        if self.hands.pop(shard, None) is not None:
            self.handle.cancel(shard)
        self._find_oldest(now)

    def hear(self, poll: WorkerPoll, now: float) -> None:
        """Take note of an answer."""
        self.poll, self.wants, self.heard_at = poll, poll.wants, now
        # It answers, so Ray has found a place for it: from now on it is loading.
        if self.placed_at is None:
            self.placed_at = now
        for report in poll.done:
            self.hands.pop(report.shard, None)
        self._find_oldest(now)

    def _find_oldest(self, now: float) -> None:
        # In the worker's own order where it says one: shards may pass each other in its queues.
        in_hand = [shard for shard in self.poll.running if shard in self.hands] or list(self.hands)
        oldest = in_hand[0] if in_hand else None
        if oldest != self.oldest:
            self.oldest, self.oldest_since = oldest, now


@dataclass(frozen=True)
class News:
    """What one look at one worker brought: reports of tasks, or its loss."""

    seat: Seat
    reports: tuple[tuple[ShardReport, ShardTask | None], ...] = ()
    lost: WorkerLost | None = None
    became_ready: bool = False


class WorkerSet:
    """All workers that were asked for. A worker that was let go stays until it has ended."""

    def __init__(self, host: Host, settings: PoolSettings) -> None:
        self._host = host
        self._settings = settings
        self._leaving: list[tuple[Handle, float]] = []
        self._records_of_the_former = 0
        self.seats: dict[str, Seat] = {}
        self.lost: Counter[str] = Counter()
        self.started = 0

    @property
    def ready(self) -> int:
        """How many workers can take shards."""
        return sum(seat.ready for seat in self.seats.values())

    @property
    def starting(self) -> int:
        """How many were asked for and are not ready."""
        return len(self.seats) - self.ready

    @property
    def loading(self) -> int:
        """How many of those starting have their place and are loading their models."""
        return sum(seat.placed_at is not None and not seat.ready for seat in self.seats.values())

    @property
    def records_done(self) -> int:
        """Records forwarded by all workers, those that were lost or released too."""
        return self._records_of_the_former + sum(seat.poll.records_done for seat in self.seats.values())

    def info(self) -> Mapping[str, Mapping[str, Any]]:
        """What each worker last said of itself."""
        return {seat.name: seat.poll.info for seat in self.seats.values()}

    def spawn(self, now: float) -> None:
        """Ask for one more worker."""
        handle = self._host.spawn()
        self.seats[handle.name] = Seat(handle, heard_at=now)
        self.started += 1

    def listen(self, now: float) -> Iterator[News]:
        """Ask every worker for news. A lost worker has left its seat when its loss is reported."""
        for seat in list(self.seats.values()):
            try:
                poll = seat.handle.poll()
            except WorkerLost as lost:
                self._leave(seat, lost.kind)
                yield News(seat, lost=lost)
                continue
            if poll is not None:
                # Looked up before `hear`, which takes reported shards out of its hands.
                tasks = tuple((report, seat.hands.get(report.shard)) for report in poll.done)
                was_ready = seat.ready
                seat.hear(poll, now)
                yield News(seat, tasks, became_ready=seat.ready and not was_ready)

    def release(self, seat: Seat, now: float) -> None:
        """Let a worker go that has no more work."""
        self._leave(seat, None)
        seat.handle.close()
        self._leaving.append((seat.handle, now))

    def kill(self, seat: Seat, why: str, now: float) -> None:
        """End a worker whatever it does."""
        self._leave(seat, why)
        seat.handle.kill()
        self._leaving.append((seat.handle, now))

    def release_all(self, now: float) -> None:
        """Let everybody go; who does not answer is not waited for."""
        for seat in list(self.seats.values()):
            # One with shards in hand would finish them first, for nobody.
            if seat.hands or now - seat.heard_at > self._settings.unresponsive_s:
                self.kill(seat, "killed", now)
            else:
                self.release(seat, now)

    def kill_all(self, now: float) -> None:
        """End everybody, those who were leaving too."""
        for handle, _ in self._leaving:
            handle.kill()
        for seat in list(self.seats.values()):
            self._leave(seat, None)
            seat.handle.kill()
            self._leaving.append((seat.handle, now))

    def drain(self, now: float) -> bool:
        """Kill those who take too long to leave; whether all that were let go have ended."""
        staying: list[tuple[Handle, float]] = []
        for handle, since in self._leaving:
            if handle.closed():
                continue
            if now - since > self._settings.close_timeout_s:
                handle.kill()
            else:
                staying.append((handle, since))
        self._leaving = staying
        return not staying

    def pending_reason(self) -> str:
        """What is missing for the workers that did not come."""
        return self._host.pending_reason()

    def wait(self, timeout_s: float) -> None:
        """Sleep until there may be news."""
        self._host.wait(timeout_s)

    def _leave(self, seat: Seat, why: str | None) -> None:
        del self.seats[seat.name]
        self._records_of_the_former += seat.poll.records_done
        if why is not None:
            self.lost[why] += 1
