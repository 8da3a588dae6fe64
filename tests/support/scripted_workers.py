"""A host whose workers do what a test tells them, for tests of those who hand out shards."""

from __future__ import annotations

from cluster.pool.contract import LostKind, WorkerLost
from schemas.work import ShardReport, ShardTask, WorkerPoll


class ScriptedWorker:
    """Says what `says` holds, once each; keeps what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.offered: list[ShardTask] = []
        self.cancelled: list[int] = []
        self.ended: list[str] = []
        self.gone = False
        self.says: list[WorkerPoll | WorkerLost] = []

    def offer(self, task: ShardTask) -> None:
        self.offered.append(task)

    def poll(self) -> WorkerPoll | None:
        if not self.says:
            return None
        said = self.says.pop(0)
        if isinstance(said, WorkerLost):
            raise said
        return said

    def cancel(self, shard: int) -> None:
        self.cancelled.append(shard)

    def close(self) -> None:
        self.ended.append("close")

    def closed(self) -> bool:
        return self.gone

    def kill(self) -> None:
        self.ended.append("kill")

    def is_ready(self, wants: int = 1, *, running: tuple[int, ...] = (), done: tuple[int, ...] = ()) -> None:
        """Say next that it is there, and takes `wants` more."""
        reports = tuple(ShardReport(shard, "committed", rows=1) for shard in done)
        self.says.append(WorkerPoll(True, reports, running, wants))

    def is_lost(self, kind: LostKind) -> None:
        """Say next that it is gone."""
        self.says.append(WorkerLost(kind, "as told"))


class ScriptedHost:
    """Starts such workers: w0, w1, ..."""

    def __init__(self) -> None:
        self.workers: list[ScriptedWorker] = []

    def spawn(self) -> ScriptedWorker:
        self.workers.append(ScriptedWorker(f"w{len(self.workers)}"))
        return self.workers[-1]

    def pending_reason(self) -> str:
        return "the cluster is full"

    def wait(self, timeout_s: float) -> None:
        """Time is the test's."""
