"""Threads that share the samples of a block."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

WORD = 8
"""Packed rows are whole words: ranges of samples begin and end at one."""
_LEAST_WORDS = 8
"""Words of packed calls (256 samples) for which a thread is worth it."""


def packed_bytes(samples: int) -> int:
    """Bytes of a packed row of so many samples, filled up to whole words."""
    return -(-samples // (4 * WORD)) * WORD


class SampleThreads:
    """At most `threads` threads over `size` bytes of every packed row, which are whole words."""

    def __init__(self, size: int, threads: int) -> None:
        words = size // WORD
        parts = max(1, min(threads, words // _LEAST_WORDS))
        cuts = [words * part // parts * WORD for part in range(parts + 1)]
        self._ranges = list(pairwise(cuts))
        self._pool = ThreadPoolExecutor(parts, thread_name_prefix="kernel") if parts > 1 else None

    def share(self, work: Callable[[int, int], object]) -> None:
        """Call `work(first, last)` for ranges of bytes that cover them all, at the same time."""
        if self._pool is None:
            work(*self._ranges[0])
        else:
            # `list`, so that what a thread raised is raised here.
            list(self._pool.map(lambda part: work(*part), self._ranges))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
