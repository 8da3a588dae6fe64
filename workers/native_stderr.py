"""What native libraries write to stderr goes nowhere: libpng quotes names of colour profiles, htslib lines of files.

A worker takes descriptor 2 for as long as it lives, in whatever process it lives, so this holds for every collection;
Python's own `sys.stderr` goes on where it went. With WARDROUND_DEBUG set nothing is taken.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STDERR = 2

_lock = threading.Lock()


class _Taken:
    """How many workers want it taken, where it leads to when none does, and Python's stderr before and meanwhile."""

    def __init__(self) -> None:
        self.users = 0
        self.kept = -1
        self.before: TextIO | None = None
        self.meanwhile: TextIO | None = None


_taken = _Taken()


def take() -> None:
    """Take it; as often as this is called `give_back` has to be."""
    with _lock:
        _taken.users += 1
        if _taken.users > 1 or os.environ.get("WARDROUND_DEBUG"):
            return
        _taken.kept = os.dup(_STDERR)
        if _writes_to_it(sys.stderr):
            sys.stderr.flush()
            _taken.before = sys.stderr
            copy = os.dup(_STDERR)
            _taken.meanwhile = os.fdopen(copy, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
            sys.stderr = _taken.meanwhile
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, _STDERR)
        os.close(null)


def give_back() -> None:
    """The last one who took it gives it back."""
    with _lock:
        _taken.users -= 1
        if _taken.users or _taken.kept < 0:
            return
        os.dup2(_taken.kept, _STDERR)
        os.close(_taken.kept)
        _taken.kept = -1
        # Who holds the file of meanwhile still, such as a logger, goes on writing to the same place.
        if _taken.before is not None and sys.stderr is _taken.meanwhile:
            sys.stderr = _taken.before
        _taken.before = _taken.meanwhile = None


@contextmanager
def taken() -> Iterator[None]:
    """Taken inside, and given back behind it."""
    take()
    try:
        yield
    finally:
        give_back()


def _writes_to_it(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == _STDERR
    except (OSError, ValueError, AttributeError):
        return False
