"""The parent's end of one decoding child: start it, give it a chunk, see how that ended."""

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from schemas.crashpoints import crash_armed
from workers.children import failure, frames, memory, wire
from workers.children.chunk import Answer
from workers.children.contract import Request, Result
from workers.children.spawn import cause_of_death, last_line, spawn

_REAP_S = 10.0
_GRACE_S = 2.0
_SECOND_LOOK_S = 0.002


class StartFailed(Exception):
    """The child died, or was silent too long, before it was ready. The text says why."""


class Child:
    """One process. To be made, used and dropped by one thread that outlives it; `kill` is for any thread."""

    def __init__(self, job: bytes) -> None:
        """Start it without waiting for it. `job` is JSON: its `entry` and the entry's `settings`. Raises OSError."""
        self._job = job
        self._late_at = -1
        self._stderr = memory.create()
        self._socket, theirs = socket.socketpair()
        page = memory.create(memory.Progress.SIZE)
        self._progress = memory.Progress(page)
        try:
            self._process = spawn(theirs, page, self._stderr)
        except OSError:
            self._close()
            raise
        finally:
            # The child has its own: while ours are open, its death would not show at our end of the socket.
            theirs.close()
            os.close(page)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait_ready(self, timeout_s: float) -> None:
        """Raises StartFailed, and the WardroundError that the entry raised."""
        request, answer = memory.create(), memory.create()
        try:
            memory.write_at(request, 0, [self._job])
            reply = self._exchange(request, answer, timeout_s)
            if reply == wire.FAILED:
                raise failure.unpack(memory.map_shared(answer).tobytes())
            if reply != wire.READY:
                raise StartFailed(self._why_not(reply))
        finally:
            os.close(request)
            os.close(answer)

    def _exchange(self, request: int, answer: int, timeout_s: float) -> bytes | None:
        self._socket.settimeout(timeout_s)
        try:
            wire.send_work(self._socket, request, answer)
            return self._socket.recv(1)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def _why_not(self, reply: bytes | None) -> str:
        if reply is None:
            return "it was not ready in time"
        self._reap(_GRACE_S)
        said = last_line(self._stderr)
        return f"{cause_of_death(self._process)}, {said}" if said else cause_of_death(self._process)

    def ask(self, requests: Sequence[Request], record_timeout_s: float | None) -> Answer[Result]:
        """Have a chunk decoded. After any end but `complete` the child is dead.

        Raises WardroundError for a bug in the handler, and OSError where there is no memory for the chunk.
        """
        request, answer = memory.create(), memory.create()
        try:
            frames.write_requests(request, requests, named=crash_armed("decode.record"))
            # The page still says where the chunk before ended; a child that dies now has no record at hand.
            self._progress.publish(-1)
            shared = [data.fd for data in frames.shared_of(requests)]
            end = self._await(record_timeout_s) if self._send(request, answer, shared) else b""
            if end == wire.DONE:
                return Answer(frames.read_results(memory.map_shared(answer), len(requests)))
            return self._post_mortem(answer, len(requests), late=end is None)
        finally:
            os.close(request)
            os.close(answer)

    def _send(self, request: int, answer: int, shared: Sequence[int]) -> bool:
        try:
            wire.send_work(self._socket, request, answer, shared)
        except OSError:
            return False
        return True

    def _await(self, record_timeout_s: float | None) -> bytes | None:
        """The reply, empty if the child died; None, and the child killed, if a record took too long."""
        while True:
            self._socket.settimeout(self._patience(record_timeout_s))
            try:
                return self._socket.recv(1)
            except TimeoutError:
                if self._overdue(record_timeout_s):
                    self.kill()
                    return None
            except OSError:
                return b""

    def _patience(self, record_timeout_s: float | None) -> float | None:
        if record_timeout_s is None:
            return None
        # 0 would make the socket non-blocking.
        return max(0.001, record_timeout_s - self._age())

    def _age(self) -> float:
        return (time.monotonic_ns() - self._progress.read()[1]) / 1e9

    def _overdue(self, record_timeout_s: float | None) -> bool:
        first = self._progress.read()
        late = record_timeout_s is not None and self._age() >= record_timeout_s
        # The page is two words, and the child may be between them.
        time.sleep(_SECOND_LOOK_S)
        if not late or self._progress.read() != first:
            return False
        self._late_at = first[0]
        return True

    def _post_mortem(self, answer: int, asked: int, *, late: bool) -> Answer[Result]:
        self._reap(0.0 if late else _GRACE_S)
        index = self._progress.read()[0]
        try:
            results = frames.read_results(memory.map_shared(answer), max(0, min(index, asked)))
        except ValueError:
            return Answer([], "lost", "it left its results in disorder")
        # It died behind its last record: nothing is lost.
        if index >= asked:
            return Answer(results)
        cause = cause_of_death(self._process)
        if index < 0:
            return Answer(results, "lost", cause)
        if late:
            # It may have moved on between the last look and the signal: then nobody was late.
            return Answer(results, "timed_out" if index == self._late_at else "lost", cause)
        return Answer(results, "out_of_memory" if self._process.returncode == wire.EXIT_MEMORY else "died", cause)

    def kill(self) -> None:
        """End it now, from any thread. Whoever waits for its answer sees it die."""
        self._process.kill()

    def close(self) -> None:
        """End it, wait for it, let go of all that belongs to it."""
        self._reap()
        self._close()

    def _reap(self, grace_s: float = 0.0) -> None:
        """Wait for it, killing it after `grace_s`: one that hung up is left to end with an exit code of its own."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_S)

    def _close(self) -> None:
        self._socket.close()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1
