"""A place for one child: starts one when needed, replaces a dead one."""

import logging
import threading
import time
from collections.abc import Sequence

from schemas.errors import InfrastructureError
from workers.children.child import Child, StartFailed
from workers.children.chunk import Answer
from workers.children.contract import Request, Result

START_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.2
_START_TIMEOUT_S = 120.0

_log = logging.getLogger(__name__)


class HostStopped(Exception):
    """The pool was closed meanwhile."""


class Host:
    """To be used by one thread, which lives as long as its children are to live; `stop` is for any thread."""

    def __init__(self, job: bytes, record_timeout_s: float | None) -> None:
        self._job = job
        self._record_timeout_s = record_timeout_s
        self._child: Child | None = None
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id of the child at hand."""
        child = self._child
        return None if child is None else child.pid

    def ask(self, requests: Sequence[Request]) -> Answer[Result]:
        """Have a chunk decoded by a child, a fresh one if the last is dead.

        Raises HostStopped, InfrastructureError where no child starts, and what `Child.ask` raises.
        """
        answer = self.ready().ask(requests, self._record_timeout_s)
        # `stop` killed it: that is no record's fault.
        if self._stopped:
            raise HostStopped
        if answer.end != "complete":
            _log.warning(
                "a decoding process ended at record %d of a chunk of %d: %s (%s)",
                len(answer.results),
                len(requests),
                answer.end,
                answer.cause,
            )
        return answer

    def ready(self) -> Child:
        """The child at hand, started if need be. Raises as `ask` does."""
        if self._child is not None and self._child.alive:
            return self._child
        problem = ""
        for attempt in range(START_ATTEMPTS):
            if attempt:
                time.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
            try:
                return self._start()
            except (StartFailed, OSError) as error:
                problem = str(error)
        raise InfrastructureError(
            f"no decoding process could be started, {START_ATTEMPTS} times in a row ({problem}): "
            "check the memory and the process limit of the node, and that its packages are installed"
        )

    def _start(self) -> Child:
        self.drop()
        with self._lock:
            if self._stopped:
                raise HostStopped
            self._child = child = Child(self._job)
        try:
            child.wait_ready(_START_TIMEOUT_S)
        except BaseException:
            self.drop()
            raise
        return child

    def drop(self) -> None:
        """End the child at hand, if any, and wait for it."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.close()

    def stop(self) -> None:
        """Start no more and kill the child at hand, without waiting."""
        with self._lock:
            self._stopped = True
            if self._child is not None:
                self._child.kill()
