"""Ctrl-C once: finish the shards in hand, then stop; a fit stops at once, at its newest state. Twice: stop at once.
Nothing is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import Any

from cluster.pool import Host, Stop
from jobs.running import HostOpener
from jobs.watchdog import Page
from schemas.errors import IncompleteError, InfrastructureError
from schemas.spec import Spec

_DRAIN = "finishing the shards in hand, then stopping; press Ctrl-C again to stop at once"
_LONG = "stopping at once, since a fit may take days; the same command goes on from its newest state"
_ABORT = "stopping at once; run the same command again to go on"


class InterruptedRunError(IncompleteError):
    """The run stopped since somebody asked for it."""

    exit_code = 130


class StopRequests:
    """Counts these signals, by default SIGINT and SIGTERM. While no pool is open there is nothing to finish, and the
    first one interrupts. Only a process's main thread receives signals: in another one nothing is counted."""

    def __init__(self, *signals: signal.Signals, page: Page | None = None) -> None:
        """`page`: where the process that watches this one counts the signals that it got."""
        self.count = 0
        self._page = page
        self._signals = signals or (signal.SIGINT, signal.SIGTERM)
        self._pool_open = False
        self._takes_long = False

    def should_stop(self) -> Stop:
        """What the pool is to do: go on, finish what is in hand, or end at once."""
        while self._page is not None and self._page.stops > self.count:
            # It was sent to that process alone.
            self._count()
        stops: tuple[Stop, ...] = ("no", "drain", "abort")
        return stops[min(self.count, 2)]

    def exit_code(self) -> int:
        """What a process that ends now, unfinished, ends with."""
        return (InterruptedRunError if self.count else IncompleteError).exit_code

    @contextmanager
    def installed(self) -> Iterator[StopRequests]:
        """Handle the signals for as long as this lasts, then as before.

        Raises InterruptedRunError in place of the IncompleteError that a signal led to.
        """
        before = {number: signal.getsignal(number) for number in self._signals}
        self._install()
        try:
            yield self
        except IncompleteError as error:
            if self.count and not isinstance(error, InfrastructureError):
                raise InterruptedRunError(str(error)) from error
            raise
        finally:
            if _in_main_thread():
                for number, handler in before.items():
                    signal.signal(number, handler)

    def graceful(self, open_host: HostOpener) -> HostOpener:
        """The same opener, with signals that drain the pool while it is open."""

        @contextmanager
        def opened(spec: Spec, job: dict[str, Any]) -> Iterator[Host]:
            self._takes_long = job.get("kind") == "long"
            with open_host(spec, job) as host:
                self._install()  # ray.init puts its own SIGTERM handler in place
                self._open(True)
                try:
                    yield host
                finally:
                    self._open(False)

        def opener(spec: Spec, job: dict[str, Any]) -> AbstractContextManager[Host]:
            return opened(spec, job)

        return opener

    def _install(self) -> None:
        for number in self._signals if _in_main_thread() else ():
            # What the caller had us ignore (a shell its background jobs) stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _open(self, is_open: bool) -> None:
        self._pool_open = is_open
        if self._page is not None:
            self._page.open_pool(is_open)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._page is not None:
            self._page.hear(self.count + 1)
        if not self._pool_open or self.count >= 2:
            self.count += 1
            raise KeyboardInterrupt
        self._count()

    def _count(self) -> None:
        self.count += 1
        first = _LONG if self._takes_long else _DRAIN
        _tell(f"wardround: {first if self.count == 1 else _ABORT}\n")


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _tell(text: str) -> None:
    if "ipykernel" in sys.modules:
        # A notebook shows what its own stream gets, which may be written to in the middle of another write.
        sys.stderr.write(text)
    else:
        # A handler may run in the middle of another write to the same stream, which would refuse a second one.
        # Its own descriptor: 2 is taken from native libraries while a worker lives in this process.
        with suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), text.encode())
