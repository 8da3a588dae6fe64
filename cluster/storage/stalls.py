"""End reads that go on for ever: a body that comes in drops never meets the time limit of its connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_SLOWEST = 16 << 10
"""Bytes a second below which a body does not arrive but drip."""
_LOOK_S = 0.25
_IDLE_S = 5.0
"""After so long without a read the thread ends; the next read starts another."""


class Watch:
    """One thread that shuts the connections of reads which are past their time."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds that any read is given, before what its bytes need at the slowest."""
        self._patience = patience
        self._lock = threading.Lock()
        self._reads: dict[int, tuple[float, Any]] = {}
        self._number = 0
        self._running = False

    @contextmanager
    def over(self, body: Any, length: int) -> Iterator[None]:
        """While `length` bytes of an answer of urllib3 are read. Reading raises a time-out where they do not come."""
        number = self._begin(body, time.monotonic() + self._patience + length / _SLOWEST)
        try:
            yield
        finally:
            with self._lock:
                self._reads.pop(number, None)

    def _begin(self, body: Any, until: float) -> int:
        with self._lock:
            self._number += 1
            self._reads[self._number] = until, body
            if not self._running:
                self._running = True
                threading.Thread(target=self._look, name="stalls", daemon=True).start()
            return self._number

    def _look(self) -> None:
        idle_since = time.monotonic()
        while True:
            time.sleep(_LOOK_S)
            now = time.monotonic()
            with self._lock:
                late = [(number, body) for number, (until, body) in self._reads.items() if until < now]
                for number, _ in late:
                    del self._reads[number]
                if self._reads or late:
                    idle_since = now
                elif now - idle_since > _IDLE_S:
                    self._running = False
                    return
            for _, body in late:
                _shut(body)


def _shut(body: Any) -> None:
    # Closing it would wait for the read that hangs; shutting its socket wakes that read.
    with suppress(ValueError, RuntimeError, OSError):  # it ended this moment
        body.shutdown()
