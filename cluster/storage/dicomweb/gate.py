"""How many ask a service at a time, how often, and when all of them stop asking."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cluster.storage.dicomweb.faults import Busy, InVain
from cluster.storage.errors import TransientError
from cluster.storage.retry import Backoff

T = TypeVar("T")
_LONGEST_WISH_S = 120.0
"""A service that wants to be left alone for longer is down: the run stops, and goes on later."""


class Gate:
    """What all threads of a process that ask one service share.

    A circuit breaker: one question is tried `attempts` times. Once nothing has been answered for as long as these
    tries take, nobody tries twice any more: a service that is down gets one question from each, and every thread ends
    at once instead of waiting on its own. The first answer that comes closes it again.
    """

    def __init__(self, at_once: int, backoff: Backoff) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._backoff = backoff
        self._patience = sum(min(backoff.longest, backoff.first * 2.0**n) for n in range(backoff.attempts - 1))
        self._lock = threading.Lock()
        self._failures = 0
        self._failing_since = 0.0
        self._not_before = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """While one question is asked and its answer read."""
        with self._slots:
            yield

    def enter(self) -> None:
        """Wait for a place. Whoever enters has to `leave`."""
        self._slots.acquire()

    def leave(self) -> None:
        """Give the place up."""
        self._slots.release()

    def again(self, call: Callable[[], T]) -> T:
        """The result of `call`, tried again after each TransientError. Raises InVain when no try is left."""
        failure, tried = TransientError("no attempt was made"), 0
        for pause in self._backoff.pauses():
            if (wait := max(pause, self._wish())) > 0:
                time.sleep(wait)
            tried += 1
            try:
                result = call()
            except TransientError as error:
                failure = error
                if self._failed(error):
                    break
            else:
                self.answered()
                return result
        raise InVain(failure, tried) from None

    def _wish(self) -> float:
        """Seconds in which the service does not want to be asked."""
        with self._lock:
            return max(0.0, self._not_before - time.monotonic())

    def _failed(self, error: TransientError) -> bool:
        """Whether it is of no use to try again."""
        now = time.monotonic()
        with self._lock:
            self._failures += 1
            if self._failures == 1:
                self._failing_since = now
            if isinstance(error, Busy):
                self._not_before = max(self._not_before, now + min(error.after, _LONGEST_WISH_S))
                if error.after > _LONGEST_WISH_S:
                    return True
            return self._failures > self._backoff.attempts and now - self._failing_since > self._patience

    def answered(self) -> None:
        """The service answers: whoever asks from now on may try as often as ever."""
        with self._lock:
            self._failures = 0
