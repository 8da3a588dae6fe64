"""A seekable file over ranged reads."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_AHEAD = 1 << 20
_TAIL = 64 << 10


class RangeReader(io.RawIOBase):
    """Reads an object of `size` bytes by `fetch(start, length)`. Small reads are served from a block read ahead.

    A read near the end fetches the last 64 KiB at once, which is where Parquet keeps its footer. `readinto` always
    fills the buffer, but for the end of the object: readers of Parquet do not ask twice.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._block = b""
        self._block_start = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; past the end is allowed and reads nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("seek to before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer`; fewer bytes only at the end."""
        if self.closed:
            raise ValueError("the reader is closed")
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._size - self._position))
        if wanted:
            view[:wanted] = self._bytes(self._position, wanted)
            self._position += wanted
        return wanted

    def _bytes(self, start: int, length: int) -> memoryview:
        offset = start - self._block_start
        if not 0 <= offset <= len(self._block) - length:
            if length >= _AHEAD:
                return memoryview(self._fetch(start, length))
            first = min(start, max(self._size - _TAIL, 0))
            self._block = self._fetch(first, min(self._size, max(start + length, first + _AHEAD)) - first)
            self._block_start = first
            offset = start - first
        return memoryview(self._block)[offset : offset + length]


class HashSink:
    """An empty file that keeps nothing of what is written but its sha256."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        """Add to the digest."""
        self._digest.update(data)
        return len(data)

    def seek(self, offset: int, /) -> int:
        """Begin anew; only 0 makes sense."""
        self._digest = hashlib.sha256()
        return offset

    def truncate(self) -> int:
        """Nothing is kept that could be cut."""
        return 0

    def hexdigest(self) -> str:
        """Of all that was written since the last `seek`."""
        return self._digest.hexdigest()
