"""When a worker last got on with its records, for whoever has to tell a long computation from one without end.

A hang of somebody else's code (a tokenizer's pattern, a graph that loops) shows as a process that computes and computes
and finishes nothing. One that only waits, for storage or for a device, is not meant.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

AFTER_READING = 16
"""Records that reading works on at a time, about."""


class _Beat(NamedTuple):
    """When it was, the processor time until then, and how much longer than one record what follows may take."""

    at: float
    computed: float
    share: float


def _now(records: int) -> _Beat:
    return _Beat(time.monotonic(), time.process_time(), 1 + math.log2(max(1, records)))


class Heartbeat:
    """That of one worker. The processor time is all of its process's: a worker has one to itself."""

    def __init__(self) -> None:
        self._last = _now(1)

    def beat(self, records: int = AFTER_READING) -> None:
        """Something was finished; next come about so many records, which do not all take as long as one may."""
        self._last = _now(records)

    def is_stalled(self, record_timeout_s: float) -> bool:
        """Whether this process has computed for longer than what it has in hand may take."""
        last = self._last
        patience = record_timeout_s * last.share
        waited, computed = time.monotonic() - last.at, time.process_time() - last.computed
        return waited > patience and computed > patience / 2

    @contextmanager
    def heard(self) -> Iterator[None]:
        """What calls `beat` in this thread meanwhile, and in threads that take over its context, is heard here."""
        token = _HEARING.set(self)
        try:
            yield
        finally:
            _HEARING.reset(token)


_HEARING: ContextVar[Heartbeat | None] = ContextVar("heartbeat", default=None)
"""Who listens, thread by thread: models and what cuts their batches know no worker."""


def beat(records: int) -> None:
    """Something was finished, and so many records come next: heard by the worker on whose behalf this thread computes,
    if there is one."""
    listening = _HEARING.get()
    if listening is not None:
        listening.beat(records)
