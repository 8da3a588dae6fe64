"""Compressed tars, which can only be read from their start: each is inflated once by a worker, and then read by range.

What is inflated lies in the temporary folder in files without a name, which are gone with the process: record content
is not left behind on a node.
"""

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import IO

from cluster.storage import Store
from schemas.errors import RecordError
from schemas.temporary import room_for
from workers.reading.archives.places import MemberFault
from workers.reading.gzip import Fault, InflationError, in_blocks, inflated

_KEPT = 4
"""Tars that a worker keeps at a time. Plans name the members of one next to each other."""

Read = Callable[[int, int], bytes]


class InflatedTars:
    """The last few, by version. Safe for several threads: who comes while one is inflated waits for it."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._tars: OrderedDict[tuple[str, str, str], _Tar] = OrderedDict()

    def opened(self, store: Store, key: str, etag: str, limit: int) -> Read:
        """What reads ranges of a tar as it is inflated, `(start, length)`. Raises as `Store.open_reader`, and
        RecordError for one that inflates to more than `limit` bytes or is damaged."""
        name = (store.uri, key, etag)
        with self._lock:
            tar = self._tars.pop(name, None) or _Tar()
            self._tars[name] = tar
            while len(self._tars) > self._kept:
                # Whoever reads it still holds it; it goes with the last of them.
                self._tars.popitem(last=False)
        return partial(_read, tar.file(lambda: _inflated(store, key, etag, limit)))

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            self._tars.clear()


class _Tar:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def file(self, inflate: Callable[[], IO[bytes]]) -> IO[bytes]:
        with self._lock:
            self._file = self._file or inflate()
            return self._file


def _inflated(store: Store, key: str, etag: str, limit: int) -> IO[bytes]:
    sink = tempfile.TemporaryFile(prefix="wardround-tar-", buffering=0)  # noqa: SIM115 - closed when it is let go
    try:
        with store.open_reader(key, if_etag=etag) as file, room_for("an inflated tar does"):
            for piece in inflated(in_blocks(file), limit):
                sink.write(piece)
    except InflationError as error:
        fault = MemberFault.INFLATES if error.fault is Fault.TOO_LARGE else MemberFault.GZIP
        raise RecordError(*fault.fault) from None
    return sink


def _read(file: IO[bytes], start: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, start)
