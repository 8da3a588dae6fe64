"""A bound in bytes on what is between reading and the device."""

import threading


class ByteBudget:
    """Bytes in flight: those that were read ahead, and those that scoring keeps until more of their shard has come.

    Waiting is by level, not by request, so that one huge record can always pass alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.peak = 0
        self._ahead = 0
        self._kept = 0
        self._shared = 0
        self._closed = False
        self._changed = threading.Condition()

    def wait_below(self) -> None:
        """Block while the limit is reached by more than what is kept or held. Returns at once after `close`."""
        with self._changed:
            # What is kept or held goes only once the rest of its shard was read. If a reader waited for it, each would
            # wait for the other for ever; while anything else is in flight, the device has something to take.
            self._changed.wait_for(lambda: self.held < self.limit or not self._ahead or self._closed)

    def add(self, amount: int) -> None:
        """Count bytes that now exist (negative: that are gone)."""
        with self._changed:
            self._ahead += amount
            self._settled()

    def hold(self, amount: int) -> None:
        """Count bytes that stay until more of their shard has been read (negative: that are gone)."""
        with self._changed:
            self._shared += amount
            self._settled()

    def hand_over(self, amount: int, kept: int) -> None:
        """So many bytes were taken by scoring, which keeps `kept` in all from now on, those of before included."""
        with self._changed:
            self._ahead -= amount
            self._kept = kept
            self._settled()

    def _settled(self) -> None:
        self.peak = max(self.peak, self.held)
        self._changed.notify_all()

    @property
    def held(self) -> int:
        """Bytes in flight now."""
        return self._ahead + self._kept + self._shared

    def close(self) -> None:
        """Let every waiter go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
