"""A seekable file over ranged reads."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_AHEAD = 1 << 20
_TAIL = 64 << 10


class RangeReader(io.RawIOBase):
    """Reads an object of `size` bytes by `fetch(start, length)`. Small reads are served from a block of `ahead` bytes.

    A read near the end fetches the last 64 KiB at once, which is where Parquet keeps its footer. `readinto` always
    fills the buffer, but for the end of the object: readers of Parquet do not ask twice. `ahead=0` reads what is asked
    for and nothing else. `on_close` is called once.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        ahead: int = _AHEAD,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._ahead = ahead
        self._on_close = on_close
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

    def close(self) -> None:
        """Read no more."""
        if not self.closed:
            super().close()
            self._on_close()

    def read(self, size: int | None = -1) -> bytes:
        """The next `size` bytes, all that is left if it is None or negative; fewer only at the end."""
        left = max(0, self._size - self._position)
        return bytes(self._next(left if size is None or size < 0 else min(size, left)))

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer`; fewer bytes only at the end."""
        view = memoryview(buffer).cast("B")
        found = self._next(max(0, min(len(view), self._size - self._position)))
        view[: len(found)] = found
        return len(found)

    def _next(self, wanted: int) -> bytes | memoryview:
        if self.closed:
            raise ValueError("the reader is closed")
        found = self._bytes(self._position, wanted) if wanted else b""
        self._position += wanted
        return found

    def _bytes(self, start: int, length: int) -> bytes | memoryview:
        offset = start - self._block_start
        if not 0 <= offset <= len(self._block) - length:
            # A large read has no use for the block, which may still serve small ones.
            if length >= self._ahead:
                return self._fetch(start, length)
            # Parquet reads its last bytes first, then the footer before them: both are in one request.
            first = min(start, max(self._size - _TAIL, 0))
            self._block = self._fetch(first, min(self._size, max(start + length, first + self._ahead)) - first)
            self._block_start = first
            offset = start - first
        return memoryview(self._block)[offset : offset + length]


class Sink(Protocol):
    """Takes a body in pieces. `seek(0)` and `truncate()` throw away what came so far."""

    def write(self, data: bytes, /) -> int: ...
    def seek(self, offset: int, /) -> int: ...
    def truncate(self) -> int: ...


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
        """Hex digest of all that was written since the last `seek`."""
        return self._digest.hexdigest()
