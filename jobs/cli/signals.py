"""Ctrl-C once: finish the shards in hand, then stop. Twice: stop at once. Either way nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

from cluster.pool import Host, Stop
from jobs.running import HostOpener
from schemas.errors import IncompleteError, InfrastructureError
from schemas.spec import Spec

_DRAIN = "finishing the shards in hand, then stopping; press Ctrl-C again to stop at once"
_ABORT = "stopping at once; run the same command again to go on"


class InterruptedRunError(IncompleteError):
    """The run stopped since somebody asked for it."""

    exit_code = 130


class StopRequests:
    """Counts SIGINT and SIGTERM. While no pool is open there is nothing to finish, and the first one interrupts."""

    def __init__(self) -> None:
        self.count = 0
        self._pool_open = False

    def should_stop(self) -> Stop:
        """For the pool: go on, finish what is in hand, or end at once."""
        stops: tuple[Stop, ...] = ("no", "drain", "abort")
        return stops[min(self.count, 2)]

    @contextmanager
    def installed(self) -> Iterator[StopRequests]:
        """Handle both signals for as long as this lasts.

        Raises InterruptedRunError in place of the IncompleteError that a signal led to.
        """
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._install()
        try:
            yield self
        except IncompleteError as error:
            if self.count and not isinstance(error, InfrastructureError):
                raise InterruptedRunError(str(error)) from error
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def graceful(self, open_host: HostOpener) -> HostOpener:
        """The same opener, with signals that drain the pool while it is open."""

        @contextmanager
        def opened(spec: Spec, job: dict[str, Any]) -> Iterator[Host]:
            with open_host(spec, job) as host:
                self._install()  # ray.init puts its own SIGTERM handler in place
                self._pool_open = True
                try:
                    yield host
                finally:
                    self._pool_open = False

        def opener(spec: Spec, job: dict[str, Any]) -> AbstractContextManager[Host]:
            return opened(spec, job)

        return opener

    def _install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            # What the caller had us ignore (a shell its background jobs) stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if not self._pool_open or self.count > 2:
            raise KeyboardInterrupt
        # os.write, since a handler may run in the middle of another write to the same stream.
        os.write(2, f"wardround: {_DRAIN if self.count == 1 else _ABORT}\n".encode())
