"""Read files of a local disk or mount: OSErrors as our errors, and opened anew where the mount lost the file."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cluster.storage.errors import ObjectChanged, ObjectMissing, TransientError
from cluster.storage.local_errors import disk
from cluster.storage.range_reader import RangeReader
from cluster.storage.retry import Backoff, again
from schemas.errors import InfrastructureError


@contextmanager
def _file_alone(path: str) -> Iterator[None]:
    """What the system says of a socket or terminal that is opened is what it says of a file on a lost device."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENXIO and not stat.S_ISREG(os.stat(path).st_mode):
            raise ObjectMissing from None
        raise


class LocalFile:
    """One file, open. `root` is named in errors. Raises ObjectMissing for what is no regular file."""

    def __init__(self, path: str, root: str) -> None:
        self._root = root
        with disk(root), _file_alone(path):
            # Without O_NONBLOCK opening a pipe waits for who writes it.
            self._file = io.FileIO(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
            regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        if not regular:
            self._file.close()
            raise ObjectMissing

    def same(self, etag: str | None) -> os.stat_result:
        """What stat says of it now. Raises ObjectChanged if that gives another etag."""
        with disk(self._root):
            found = os.fstat(self._file.fileno())
        if etag is not None and etag_of(found) != etag:
            raise ObjectChanged
        return found

    def at(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`. Raises InfrastructureError if there are fewer: the file shrank."""
        parts: list[bytes] = []
        while length > 0:
            with disk(self._root):
                part = os.pread(self._file.fileno(), length, start)
            if not part:
                raise InfrastructureError(
                    f"directory {self._root!r}: a file shrank while it was read: stop what writes it"
                )
            # pread may give fewer bytes than asked for, by Linux never more than 2 GiB.
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __enter__(self) -> LocalFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        # A mount that is gone says so here as well, and nothing that was read depends on it.
        with suppress(OSError):
            self._file.close()


class LocalReading:
    """One version of a file, read in pieces and tried again. `found` is what stat says of it.

    `opened` opens the file, `etag` is that of the version where it has to be a certain one. Raises ObjectMissing and
    ObjectChanged.
    """

    def __init__(self, opened: Callable[[], LocalFile], backoff: Backoff, etag: str | None = None) -> None:
        self._opened = opened
        self._backoff = backoff
        self._etag = etag
        self._file: LocalFile | None = None
        self.found = again(self._open, backoff)

    def reader(self) -> RangeReader:
        """A file over it, which closes it. Reads nothing ahead: the system does that."""
        return RangeReader(self.at, self.found.st_size, ahead=0, on_close=self.close)

    def at(self, start: int, length: int) -> bytes:
        """As `LocalFile.at`, tried again. Raises ObjectChanged."""
        return again(lambda: self._try(start, length), self._backoff)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> os.stat_result:
        self._file = self._opened()
        found = self._file.same(self._etag)
        self._etag = etag_of(found)
        return found

    def _try(self, start: int, length: int) -> bytes:
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            body = self._file.at(start, length)
            self._file.same(self._etag)
        except TransientError:
            # A handle that went stale (ESTALE) never gets well; the name may lead to the file again.
            self.close()
            raise
        return body


def etag_of(found: os.stat_result) -> str:
    """Another one for every version of a file, as far as time and size tell."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"
