"""Work on what came out of a model, in threads beside the one that computes: it goes on with what comes next."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from workers.pipeline.byte_budget import ByteBudget

T = TypeVar("T")
Work = Callable[[], None]


class Behind:
    """A few threads, and a bound on the bytes that wait for them: whoever brings more waits, but for one that alone is
    larger."""

    def __init__(self, threads: int, most_bytes: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="behind")
        self._room = ByteBudget(most_bytes)

    def lane(self) -> "Lane":
        """A lane for the work of one record."""
        return Lane(self._pool, self._room)

    def close(self) -> None:
        """Drop what waits; what is being worked on is finished."""
        self._room.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Lane:
    """Work that is done in order, one piece at a time. The first error ends it: what comes after is dropped."""

    def __init__(self, pool: ThreadPoolExecutor, room: ByteBudget) -> None:
        self._pool, self._room = pool, room
        self._lock = threading.Lock()
        self._todo: deque[tuple[Work, int]] = deque()
        self._is_running = False
        self._error: BaseException | None = None

    def put(self, work: Work, nbytes: int = 0) -> None:
        """Queue a piece that holds so many bytes. Raises what an earlier one raised."""
        if self._error is not None:
            raise self._error
        self._room.wait_below()
        self._room.add(nbytes)
        self._queue(work, nbytes)

    def last(self, work: Callable[[], T]) -> Future[T]:
        """Queue the last piece. What it gives, or what any piece of the lane raised."""
        end = _End(work)
        self._queue(end, 0)
        return end.future

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self._error = self._error or DroppedError()

    def _queue(self, work: Work, nbytes: int) -> None:
        with self._lock:
            self._todo.append((work, nbytes))
            if self._is_running:
                return
            self._is_running = True
        self._pool.submit(self._run).add_done_callback(self._ended)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._todo:
                    self._is_running = False
                    return
                work, nbytes = self._todo.popleft()
            self._do(work)
            # Before its bytes are free: they are held by the work itself.
            del work
            self._room.add(-nbytes)

    def _ended(self, run: Future[None]) -> None:
        # Called off by `Behind.close`: who waits for the end is told.
        if run.cancelled():
            self.drop()
            self._run()

    def _do(self, work: Work) -> None:
        if self._error is not None:
            if isinstance(work, _End):
                work.future.set_exception(self._error)
            return
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - kept for who waits for the lane's end, or brings more to it
            self._error = error


@dataclass(frozen=True)
class Later:
    """What will be there once the pieces of a lane are done: `finish` gives it, as a piece that comes after them."""

    lane: Lane
    finish: Callable[[], Any]


class DroppedError(Exception):
    """The lane was given up."""


class _End(Generic[T]):
    """The last piece of a lane."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.future: Future[T] = Future()

    def __call__(self) -> None:
        try:
            value = self._work()
        except BaseException as error:  # noqa: BLE001 - raised where the future is asked
            self.future.set_exception(error)
        else:
            self.future.set_result(value)
