"""What other drivers of the same run have committed, as storage tells it."""

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor

SOON_S = 2.0
"""At least this long between two looks at storage that something made urgent."""


class Elsewhere:
    """Asks storage now and then, in a thread, which shards are committed."""

    def __init__(self, ask: Callable[[], Collection[int]] | None, interval_s: float) -> None:
        self._ask = ask
        self._interval_s = interval_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="committed-elsewhere")
        self._answer: Future[Collection[int]] | None = None
        self._due: float | None = None
        self._asked_at = float("-inf")

    def look(self, now: float) -> Collection[int]:
        """What the last question brought, once; nothing while there is no answer. Raises what `ask` raised."""
        if self._due is None:
            self._due = now + self._interval_s
        if self._answer is None and self._ask is not None and now >= self._due:
            self._answer, self._asked_at = self._thread.submit(self._ask), now
        if self._answer is None or not self._answer.done():
            return ()
        answer, self._answer = self._answer.result(), None
        self._due = now + self._interval_s
        return answer

    def hurry(self, now: float) -> None:
        """Something happened that makes it worth asking before the time."""
        soon = max(now, self._asked_at + min(SOON_S, self._interval_s))
        self._due = soon if self._due is None else min(self._due, soon)

    def close(self) -> None:
        """End the thread without waiting for its answer."""
        self._thread.shutdown(wait=False, cancel_futures=True)
