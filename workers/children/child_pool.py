"""Decoding in child processes, for decoders that hold the GIL or may crash."""

import json
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from workers.children.chunk import decode_chunk
from workers.children.contract import Request, Result
from workers.children.host import Host, HostStopped
from workers.children.memory import SharedBytes

_CLOSE_S = 15.0

_Job = tuple[Sequence[Request], "Future[list[Result]]"]


class ChildPool:
    """Implements DecodePool. Each child has a thread here that starts it and hands it one chunk at a time.

    `entry` is `module:function`, an `Entry`; `settings` is plain JSON. `record_timeout_s` is for one record: what
    takes longer is `timed_out`, and not tried again. A record that runs out of memory, also when alone in a fresh
    child, is `too_large`.
    """

    def __init__(
        self, entry: str, settings: Mapping[str, Any], children: int, *, record_timeout_s: float | None = None
    ) -> None:
        if children < 1:
            raise ValueError(f"children must be at least 1, not {children}")
        job = json.dumps({"entry": entry, "settings": dict(settings)}).encode()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._broken: BaseException | None = None
        self._hosts = [Host(job, record_timeout_s) for _ in range(children)]
        # Threads of their own, not an executor's: the kernel kills a child with the thread that started it.
        self._threads = [
            threading.Thread(target=self._serve, args=(host,), name=f"decode-{number}", daemon=True)
            for number, host in enumerate(self._hosts)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that live now."""
        return [pid for host in self._hosts if (pid := host.pid) is not None]

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        """One result a request, in order. Where children cannot start, each chunk fails at once with the same error."""
        future: Future[list[Result]] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                self._jobs.put((chunk, future))
        return future

    def share(self, data: bytes | memoryview) -> SharedBytes:
        """One copy of the bytes for all children. Raises OSError where there is no memory for it."""
        return SharedBytes(data)

    def close(self) -> None:
        """Kill the children, cancel what is under way and wait until both are gone. May be called again."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._jobs.put(None)
        for host in self._hosts:
            host.stop()
        for thread in self._threads:
            # The callback of a future may be what closes the pool, in a thread of the pool.
            if thread is not threading.current_thread():
                thread.join(_CLOSE_S)

    def _serve(self, host: Host) -> None:
        try:
            self._warm_up(host)
            while (job := self._jobs.get()) is not None:
                self._run(host, *job)
        finally:
            host.drop()

    def _warm_up(self, host: Host) -> None:
        try:
            host.ready()
        except HostStopped:
            return
        except BaseException as error:  # noqa: BLE001 - is given to whoever submits; this thread goes on
            self._broken = error

    def _run(self, host: Host, chunk: Sequence[Request], future: Future[list[Result]]) -> None:
        if self._closed:
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        if self._broken is not None:
            future.set_exception(self._broken)
            return
        try:
            results = decode_chunk(chunk, host.ask)
        except HostStopped:
            future.set_exception(CancelledError())
        except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for it; this thread goes on
            future.set_exception(error)
        else:
            future.set_result(results)
