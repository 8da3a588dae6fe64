"""A worker that computes without end is ended, and only its oldest shard is suspected."""

from __future__ import annotations

from cluster.pool import Dispatcher, PoolSettings
from schemas.work import ShardReport, ShardTask, WorkerPoll


class Endless:
    """Takes two shards, commits what it has in isolation, and never ends over shard 1 elsewhere."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tasks: list[ShardTask] = []
        self.ended = False

    def offer(self, task: ShardTask) -> None:
        self.tasks.append(task)

    def poll(self) -> WorkerPoll:
        stuck = any(task == ShardTask(1) for task in self.tasks)
        done = [] if stuck else [ShardReport(task.shard, "committed", rows=1) for task in self.tasks]
        running = tuple(sorted((task.shard for task in self.tasks), reverse=True)) if stuck else ()
        if not stuck:
            self.tasks = []
        return WorkerPoll(True, done, running, 2 - len(self.tasks), stalled=stuck and len(self.tasks) == 2)

    def cancel(self, shard: int) -> None:
        raise AssertionError(f"nobody else has shard {shard}")

    def close(self) -> None:
        self.ended = True

    kill = close

    def closed(self) -> bool:
        return self.ended


class Host:
    """Starts such workers, and keeps what each was offered at its end."""

    def __init__(self) -> None:
        self.workers: list[Endless] = []

    def spawn(self) -> Endless:
        self.workers.append(Endless(f"w{len(self.workers)}"))
        return self.workers[-1]

    def pending_reason(self) -> str:
        return "none"

    def wait(self, timeout_s: float) -> None:
        """At once."""


def test_the_shard_that_never_ends_goes_to_isolation_and_its_neighbour_back_to_the_others() -> None:
    host, reports = Host(), []
    result = Dispatcher(host, PoolSettings(hedge=False)).run([0, 1], on_report=reports.append)
    assert (result.outcome, result.done, result.lost) == ("complete", 2, {"deadline": 1})
    assert sorted(report.shard for report in reports) == [0, 1]
    assert [sorted((task.shard, task.mode) for task in worker.tasks) for worker in host.workers[:1]] == [
        [(0, "normal"), (1, "normal")]
    ]
