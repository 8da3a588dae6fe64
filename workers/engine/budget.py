"""A bound in bytes on what is between reading and the device."""

from __future__ import annotations

import threading


class ByteBudget:
    """Bytes in flight. Waiting is by level, not by request, so that one huge record can always pass alone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.peak = 0
        self._held = 0
        self._closed = False
        self._changed = threading.Condition()

    def wait_below(self) -> None:
        """Block while the limit is reached. Returns at once after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._held < self.limit or self._closed)

    def add(self, amount: int) -> None:
        """Count bytes that now exist (negative: that are gone)."""
        with self._changed:
            self._held += amount
            self.peak = max(self.peak, self._held)
            if amount < 0:
                self._changed.notify_all()

    @property
    def held(self) -> int:
        """Bytes in flight now."""
        return self._held

    def close(self) -> None:
        """Let every waiter go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
