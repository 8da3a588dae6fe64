"""A pool of one worker in this very process: for debugging, for tests, and for jobs too small to start Ray for."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from cluster.pool.factory import build
from schemas.work import ShardTask, Worker, WorkerPoll


class SerialHandle:
    """The worker itself."""

    def __init__(self, name: str, worker: Worker, beat: Callable[[int | None], None] | None = None) -> None:
        self.name = name
        self._worker = worker
        self._beat = beat
        self._oldest: int | None = None
        self._closed = False

    def offer(self, task: ShardTask) -> None:
        """Hand over a task."""
        # Before it is taken: it may hold the interpreter from its first moment on, and no news would tell of it.
        self._tell(task.shard if self._oldest is None else self._oldest)
        self._worker.offer(task)

    def poll(self) -> WorkerPoll:
        """The worker's state."""
        state = self._worker.poll()
        self._tell(state.running[0] if state.running else None)
        return state

    def cancel(self, shard: int) -> None:
        """Tell the worker that a shard is not needed any more."""
        self._worker.cancel(shard)

    def _tell(self, oldest: int | None) -> None:
        self._oldest = oldest
        if self._beat is not None:
            self._beat(oldest)

    def close(self) -> None:
        """End the worker's threads."""
        if not self._closed:
            self._closed = True
            self._worker.close()

    def closed(self) -> bool:
        """Whether `close` was called: it returns when the worker has ended."""
        return self._closed

    def kill(self) -> None:
        """What can be done to a worker that shares this process: close it."""
        self.close()


class SerialHost:
    """Builds the worker where the dispatcher runs. What the factory raises is raised here, with its traceback.

    `beat` is called with the oldest shard in hand whenever the worker is asked for news: while it is called, nothing
    holds the interpreter.
    """

    def __init__(
        self,
        factory: str,
        job: Mapping[str, Any],
        cpus: float = 1,
        gpus: float = 0,
        beat: Callable[[int | None], None] | None = None,
    ) -> None:
        self._beat = beat
        self._factory, self._job, self._cpus, self._gpus = factory, job, cpus, gpus
        self._built = 0

    def spawn(self) -> SerialHandle:
        """Build a worker."""
        self._built += 1
        worker = build(self._factory, self._job, self._cpus, self._gpus)
        return SerialHandle(f"serial-{self._built}", worker, self._beat)

    def pending_reason(self) -> str:
        """Why the worker is not ready: it is still loading."""
        return "the worker in this process is still loading its models; raise the start timeout if that is expected"

    def wait(self, timeout_s: float) -> None:
        """Sleep."""
        time.sleep(timeout_s)
