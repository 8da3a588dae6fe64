"""One object that several chunks of a shard read frames of: fetched and handed to the decoders once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from workers.children.contract import DecodePool
from workers.children.memory import SharedBytes
from workers.images.fetching import Fetched
from workers.pipeline.byte_budget import ByteBudget


class SharedObject:
    """Kept from the first chunk that asks for it until the last of them is done. Safe for several threads.

    `name` stands for its bytes in requests. Its bytes are on the budget while they are kept.
    """

    def __init__(self, budget: ByteBudget) -> None:
        self.name = uuid4().hex
        self._budget = budget
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False
        self._fetched: Fetched | None = None
        self._bytes: bytes | memoryview | SharedBytes = b""

    def expect(self) -> None:
        """One chunk more will ask for it, and say when it is done."""
        with self._lock:
            self._users += 1

    def fetched(self, fetch: Callable[[], Fetched], pool_of: Callable[[bytes | memoryview], DecodePool]) -> Fetched:
        """The object, or why there is none. Raises what fetching raises, to each who asks."""
        with self._lock:
            if self._fetched is None:
                found = fetch()
                if found.status is None:
                    self._bytes = pool_of(found.data).share(found.data)
                    shared = self._bytes
                    found = replace(found, data=shared.view if isinstance(shared, SharedBytes) else shared)
                self._budget.hold(len(found.data))
                self._fetched = found
            return self._fetched

    @property
    def bytes(self) -> bytes | memoryview | SharedBytes:
        """What a request gets of it."""
        return self._bytes

    def done(self) -> None:
        """One of those that were expected needs it no more."""
        with self._lock:
            self._users -= 1
            self._release()

    def close(self) -> None:
        """Nobody will ask any more whose chunk was not begun."""
        with self._lock:
            self._closed = True
            self._release()

    def _release(self) -> None:
        if self._fetched is not None and (self._users <= 0 or self._closed):
            self._budget.hold(-len(self._fetched.data))
            self._fetched, self._bytes = None, b""
