"""Decoding in threads of this process, for decoders that release the GIL."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import InfrastructureError
from schemas.status import Status
from workers.children.contract import Request, Result
from workers.children.handle import build_handler, handle

MOST_LEFT_BEHIND = 8
"""Threads that may still be busy with a record that was given up, before the pool fails instead of starting more."""

_LOOKS = 8
"""How often the age of the records at hand is looked at within the time that one may take."""
_LATE = Result(status=Status.TIMED_OUT, detail="decoding took longer than the time limit of a record")


class _Work:
    """One chunk: what is done of it, when its record at hand was begun, and by which thread."""

    def __init__(self, chunk: Sequence[Request]) -> None:
        self.chunk = chunk
        self.future: Future[list[Result]] = Future()
        self.results: list[Result] = []
        self.began = 0.0
        self.thread: threading.Thread | None = None


class InlinePool:
    """Implements DecodePool without isolation: a crash is the worker's.

    `record_timeout_s` is for one record: what takes longer is `timed_out`, and its thread, which nobody can end, is
    left behind and another takes its place. One handler serves all threads, so it must not change itself. Raises what
    building the handler raises. A record that runs out of memory is `too_large`.
    """

    def __init__(
        self, entry: str, settings: Mapping[str, Any], threads: int, *, record_timeout_s: float | None = None
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self._handler = build_handler(entry, settings)
        self._jobs: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._under_way: set[_Work] = set()
        self._left_behind: list[threading.Thread] = []
        self._threads = threads
        for _ in range(threads):
            self._start(None)
        if record_timeout_s is not None:
            threading.Thread(target=self._watch, args=(record_timeout_s,), name="decode-watch", daemon=True).start()

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        """One result a request, in order, from a thread of this process; cancelled where the pool is closed."""
        work = _Work(chunk)
        with self._lock:
            if not self._closed.is_set():
                self._under_way.add(work)
                self._jobs.put(work)
                return work.future
        _cancel(work)
        return work.future

    def share(self, data: bytes | memoryview) -> bytes | memoryview:
        """The bytes themselves."""
        return data

    def close(self) -> None:
        """Cancel every chunk; a thread that has one ends with its record at hand."""
        with self._lock:
            self._closed.set()
            under_way, self._under_way = self._under_way, set()
            for work in under_way:
                work.thread = None
        for work in under_way:
            _cancel(work)
        for _ in range(self._threads):
            self._jobs.put(None)

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, work: _Work | None) -> None:
        # Daemons, not an executor's threads: the interpreter would wait at its end for one that never ends.
        threading.Thread(target=self._serve, args=(work,), name="decode", daemon=True).start()

    def _serve(self, work: _Work | None) -> None:
        """Go on with `work`, if there is one, then take what comes."""
        while (work := work or self._jobs.get()) is not None:
            if not self._decode(work):
                return
            work = None

    def _decode(self, work: _Work) -> bool:
        """Whether this thread is to go on: it is not if it was left behind over a record."""
        me, armed = threading.current_thread(), crash_armed("decode.record")
        with self._lock:
            if work not in self._under_way:
                return True
            work.began, work.thread = time.monotonic(), me
        failed: BaseException | None = None
        try:
            for request in work.chunk[len(work.results) :]:
                work.began = time.monotonic()
                result = self._one(request, armed)
                with self._lock:
                    if work.thread is not me:
                        return False
                    work.results.append(result)
        except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for it; this thread goes on
            failed = error
        with self._lock:
            if work.thread is not me:
                return False
            self._under_way.discard(work)
        _finish(work, failed)
        return True

    def _one(self, request: Request, armed: bool) -> Result:
        if armed:
            crashpoint("decode.record", request.record_id)
        began = time.thread_time()
        try:
            return handle(self._handler, request)
        except MemoryError:
            seconds = time.thread_time() - began
            return Result(status=Status.TOO_LARGE, detail="decoding needs more memory than there is", seconds=seconds)

    def _watch(self, limit: float) -> None:
        while not self._closed.wait(limit / _LOOKS):
            now = time.monotonic()
            with self._lock:
                late = [work for work in self._under_way if work.thread is not None and now - work.began > limit]
                full = [work for work in late if not self._leave_behind(work)]
            for work in full:
                _finish(work, InfrastructureError(_TOO_MANY))

    def _leave_behind(self, work: _Work) -> bool:
        """Give its record up, and have another thread go on; False where too many threads are busy so."""
        assert work.thread is not None
        self._left_behind = [*(thread for thread in self._left_behind if thread.is_alive()), work.thread]
        work.thread = None
        if len(self._left_behind) > MOST_LEFT_BEHIND:
            self._under_way.discard(work)
            return False
        work.results.append(_LATE)
        self._start(work)
        return True


_TOO_MANY = (
    f"more than {MOST_LEFT_BEHIND} records are still being decoded past limits.record_timeout in threads, which cannot "
    "be ended: set compute.decode: processes"
)


def _cancel(work: _Work) -> None:
    work.future.cancel()
    work.future.set_running_or_notify_cancel()


def _finish(work: _Work, failed: BaseException | None) -> None:
    if failed is None:
        work.future.set_result(work.results)
    else:
        work.future.set_exception(failed)
