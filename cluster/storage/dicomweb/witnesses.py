"""Instances that a service gave: whether it still gives them tells a broken instance from a broken service."""

import threading
from collections.abc import Iterator

from cluster.storage.dicomweb.instances import Instance


class Witnesses:
    """The largest instance that came, and the two that came last. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._largest: tuple[int, Instance] | None = None
        self._last: list[Instance] = []

    def note(self, instance: Instance, size: int) -> None:
        """So many bytes of it came, and it was proved to be it."""
        with self._lock:
            if self._largest is None or size > self._largest[0]:
                self._largest = size, instance
            self._last = [instance, *(one for one in self._last if one != instance)][:2]

    def other_than(self, instance: Instance) -> Iterator[Instance]:
        """Those that are not this one, the largest first: a gateway that cuts large bodies gives small ones."""
        with self._lock:
            known = [*([self._largest[1]] if self._largest else []), *self._last]
        yield from (one for one in dict.fromkeys(known) if one != instance)
