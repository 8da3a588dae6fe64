"""The dispatcher: gives shards to workers that want them, and sees to it that each is done once, whatever dies.

It keeps nothing that storage does not know: kill it, start another, and the committed shards are the state. It trusts
no worker's word about another shard, accepts a report from whoever brings it first, and counts a death against a shard
only where the worker's own process died on a node that lives on, or a deadline passed.
"""

import time
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from cluster.pool.allot import Allotment
from cluster.pool.contract import DispatchResult, Host, PoolSettings, Progress, Stop, WorkerLost
from cluster.pool.elsewhere import Elsewhere
from cluster.pool.failures import Budget, DeathBudget, StartBudget, rebuild
from cluster.pool.ledger import Ledger
from cluster.pool.worker_set import News, Seat, WorkerSet
from schemas.work import ShardReport, ShardTask

_PAUSE_S = 5.0
"""A turn that took so long says that this process was stopped or starved."""


class Dispatcher:
    """Runs tasks on the workers of one host. Workers live on between runs that ask for it, until `close`."""

    def __init__(self, host: Host, settings: PoolSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._workers = WorkerSet(host, settings)

    def run(
        self,
        tasks: Iterable[ShardTask | int],
        *,
        on_report: Callable[[ShardReport], None] = lambda report: None,
        should_stop: Callable[[], Stop] = lambda: "no",
        committed_elsewhere: Callable[[], Collection[int]] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        keep_workers: bool = False,
    ) -> DispatchResult:
        """Do all tasks, and return when they are done, drained or aborted.

        `on_report` gets one report for each shard that was done here or given up, in the order of arrival; what it
        raises ends the run. `committed_elsewhere` (shards that storage has) runs in a thread of its own, now and then.
        Raises InfrastructureError when workers do not start or nothing succeeds for long, and the worker's own error
        where a worker says that the run must stop. Any error ends all workers at once.
        """
        watch = Elsewhere(committed_elsewhere, self._settings.elsewhere_interval_s)
        ledger = Ledger(tasks, self._settings.restarts)
        allot = Allotment(self._workers, ledger, self._settings, keep_workers, self._clock())
        one = _Run(self._workers, self._settings, ledger, allot, watch, on_report, self._clock)
        try:
            outcome = one.loop(should_stop, on_progress)
            if outcome == "aborted":
                self._workers.kill_all(self._clock())
            elif not keep_workers:
                self._workers.release_all(self._clock())
            self._wait_for_leavers()
        except BaseException:
            # Ctrl-C too: workers that nobody listens to would go on scoring.
            self._workers.kill_all(self._clock())
            raise
        finally:
            watch.close()
        return one.result(outcome)

    def close(self) -> None:
        """Let all workers go."""
        self._workers.release_all(self._clock())
        self._wait_for_leavers()

    def _wait_for_leavers(self) -> None:
        while not self._workers.drain(self._clock()):
            self._workers.wait(self._settings.poll_interval_s)


class _Run:
    """One dispatch."""

    def __init__(
        self,
        workers: WorkerSet,
        settings: PoolSettings,
        ledger: Ledger,
        allot: Allotment,
        watch: Elsewhere,
        on_report: Callable[[ShardReport], None],
        clock: Callable[[], float],
    ) -> None:
        self._workers, self._settings, self._ledger, self._allot, self._watch = workers, settings, ledger, allot, watch
        self._on_report = on_report
        self._clock = clock
        self._began = self._turned_at = clock()
        self._budget = Budget(settings)
        self._starts = StartBudget(settings)
        self._deaths = DeathBudget(settings)
        self._lost_before = workers.lost.copy()
        self._started_before = workers.started

    def loop(
        self, should_stop: Callable[[], Stop], on_progress: Callable[[Progress], None]
    ) -> Literal["complete", "drained", "aborted"]:
        """Turn until there is nothing left to do."""
        while True:
            now = self._clock()
            self._forgive(now)
            for news in self._workers.listen(now):
                self._take(news, now)
            self._forget_committed_elsewhere(now)
            stop = should_stop()
            on_progress(self._progress(now))
            # Asked before the wish to stop: where nothing is left the run is complete, whoever wanted it to end.
            if not len(self._ledger):
                return "complete"
            if stop == "abort":
                return "aborted"
            if stop == "drain" and not self._ledger.count("held"):
                return "drained"
            self._enforce_deadlines(now)
            if stop == "no":
                self._allot.turn(now)
            self._workers.drain(now)
            self._workers.wait(self._settings.poll_interval_s)

    def result(self, outcome: Literal["complete", "drained", "aborted"]) -> DispatchResult:
        """What became of the run."""
        ledger = self._ledger
        return DispatchResult(
            outcome,
            total=ledger.total,
            done=ledger.done,
            failed=tuple(ledger.failed),
            elsewhere=tuple(ledger.elsewhere),
            lost=dict(self._workers.lost - self._lost_before),
            workers_started=self._workers.started - self._started_before,
            elapsed_s=self._clock() - self._began,
        )

    def _progress(self, now: float) -> Progress:
        ledger, workers = self._ledger, self._workers
        return Progress(
            total=ledger.total,
            done=ledger.done + len(ledger.elsewhere),
            failed=len(ledger.failed),
            running=ledger.count("held"),
            suspects=ledger.count("suspect"),
            records_done=workers.records_done,
            workers_ready=workers.ready,
            workers_starting=workers.starting,
            elapsed_s=now - self._began,
            info=workers.info(),
            trouble=self._budget.trouble,
        )

    # What workers say

    def _take(self, news: News, now: float) -> None:
        if news.lost is not None:
            self._reap(news.seat, news.lost, now)
            return
        if news.became_ready:
            self._starts.ready()
        for report, task in news.reports:
            self._take_report(news.seat, report, task, now)

    def _take_report(self, seat: Seat, report: ShardReport, task: ShardTask | None, now: float) -> None:
        # Settled already, by a copy elsewhere or by another driver.
        if report.shard not in self._ledger:
            return
        sample = bool(self._ledger.entry(report.shard).task.sample)
        if report.outcome != "failed":
            # A sample is settled by the report of a sample alone: its rows lie nowhere.
            if sample == (report.outcome == "sampled"):
                self._settle(seat, report, now)
        # Without a task the shard was taken back from this worker, and its failure concerns nobody.
        elif task is not None and report.retryable:
            what = report.error or report.error_type
            ready_at = self._budget.failure(what if sample else f"shard {report.shard}, {what}", now)
            self._ledger.give_back(report.shard, seat.name, ready_at)
        # A wrong spec or a bug: the next shard would fail for the same reason.
        elif task is not None:
            raise rebuild(report.error_type, report.error)

    def _settle(self, seat: Seat, report: ShardReport, now: float) -> None:
        held_since = self._ledger.entry(report.shard).held_since
        holders = self._ledger.settle(report.shard)
        self._call_off(report.shard, holders, now)
        self._allot.note_duration(now - held_since)
        self._budget.progress()
        self._deaths.progress()
        # None of our own copies was faster, so another driver works on these shards.
        if report.outcome == "adopted" and len(holders) == 1:
            self._ledger.shuffle()
            self._watch.hurry(now)
        self._on_report(report)

    def _reap(self, seat: Seat, lost: WorkerLost, now: float) -> None:
        """A worker died. Only a process that died by itself, once it was ready, speaks against its shards."""
        how = lost.detail or lost.kind
        if lost.kind == "own_signal" and seat.hands:
            self._suspect(seat, how)
        elif lost.kind in ("start", "own_signal"):
            self._starts.failure(lost)
        else:
            ready_at = self._budget.failure(f"worker lost ({lost.kind}): {how}", now)
            for shard in seat.hands:
                self._ledger.give_back(shard, seat.name, ready_at)
        self._watch.hurry(now)

    def _suspect(self, seat: Seat, how: str) -> None:
        self._deaths.death(how)
        for shard in seat.hands:
            given_up = self._ledger.strike(shard, seat.name, how)
            if given_up is not None:
                self._ledger.give_up(given_up)
                self._on_report(given_up)

    def _set_apart(self, seat: Seat, oldest: int, now: float) -> None:
        """Its worker computed without end: the oldest shard goes to isolation, the others are innocent."""
        self._deaths.death("it computed without end")
        for shard in seat.hands:
            if shard == oldest:
                self._ledger.isolate(shard, seat.name)
            else:
                self._ledger.give_back(shard, seat.name, now)

    def _forget_committed_elsewhere(self, now: float) -> None:
        for shard in self._watch.look(now):
            if shard in self._ledger:
                self._call_off(shard, self._ledger.drop(shard), now)
                self._budget.progress()

    def _call_off(self, shard: int, holders: Iterable[str], now: float) -> None:
        for name in holders:
            if name in self._workers.seats:
                self._workers.seats[name].take_back(shard, now)

    # What the dispatcher does

    def _enforce_deadlines(self, now: float) -> None:
        settings = self._settings
        for seat in list(self._workers.seats.values()):
            limit = self._deadline(seat)
            if not seat.ready and seat.placed_at is not None and now - seat.placed_at > settings.start_timeout_s:
                self._workers.kill(seat, "start", now)
                self._starts.failure(WorkerLost("start", f"not ready after {settings.start_timeout_s:g} s"))
            # Since it became the oldest: before that it waited for the shards ahead of it.
            elif limit is not None and now - seat.oldest_since > limit:
                self._workers.kill(seat, "deadline", now)
                self._suspect(seat, f"no end after {limit:g} s")
            elif seat.oldest is not None and (seat.poll.stalled or self._is_mute(seat, now)):
                oldest = seat.oldest
                self._workers.kill(seat, "deadline", now)
                self._set_apart(seat, oldest, now)

    def _is_mute(self, seat: Seat, now: float) -> bool:
        """Whether something holds its interpreter: it cannot even say that it computes without end."""
        limit = self._settings.mute_s
        return limit is not None and seat.ready and now - seat.heard_at > limit

    def _forgive(self, now: float) -> None:
        """Where this process itself stood still, nobody could be heard."""
        pause, self._turned_at = now - self._turned_at, now
        if pause > _PAUSE_S:
            for seat in self._workers.seats.values():
                seat.heard_at += pause

    def _deadline(self, seat: Seat) -> float | None:
        deadline = self._settings.shard_deadline_s
        if deadline is None or seat.oldest is None:
            return None
        isolated = seat.hands[seat.oldest].mode == "isolate"
        return deadline * self._settings.isolate_deadline_factor if isolated else deadline
