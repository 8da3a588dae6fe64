"""BGZF: gzip in blocks of at most 64 KiB, each readable by itself (SAM specification, section 4.1)."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workers.reading.gzip import InflationError, inflate_member

Fetch = Callable[[int, int], bytes]
"""Bytes of a file from a place on; fewer only at its end."""

END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a file."""

_MAGIC = b"\x1f\x8b\x08\x04"
_FIXED = 12
_FOOT = 8
_MOST = 1 << 16
_WINDOW = 4 << 20


@dataclass(frozen=True)
class Block:
    """What a block holds, and where in the file it begins. No data: there is damage from here on."""

    place: int
    data: bytes | None


def is_block(head: bytes) -> bool:
    """Whether a file that begins so is BGZF."""
    return block_size(head, 0) is not None


def block_size(window: bytes, at: int) -> int | None:
    """Bytes of the block whose header lies there; None if none does."""
    if window[at : at + 4] != _MAGIC or len(window) < at + _FIXED:
        return None
    (extra,) = struct.unpack_from("<H", window, at + 10)
    field, end = at + _FIXED, at + _FIXED + extra
    while field + 4 <= min(end, len(window)):
        name, length = window[field : field + 2], int.from_bytes(window[field + 2 : field + 4], "little")
        if name == b"BC" and length == 2 and field + 6 <= len(window):
            size = int.from_bytes(window[field + 4 : field + 6], "little") + 1
            return size if size > _FIXED + extra + _FOOT - 1 else None
        field += 4 + length
    return None


def blocks(fetch: Fetch, start: int) -> Iterator[Block]:
    """Every block from the first one that begins at `start` or later, to the end of the file.

    Damage is given once for all that is skipped up to the next whole block. So is a file that ends within a block.
    """
    window = _Window(fetch, start)
    lost = False
    if start:
        window.find()
    while window.fill(_MOST):
        size = block_size(window.held, window.at)
        data = None if size is None or window.left() < size else _inflated(window.held, window.at, size)
        if data is None:
            if not lost:
                yield Block(window.place(), None)
            lost = True
            window.at += 1
            window.find()
            continue
        assert size is not None
        lost = False
        yield Block(window.place(), data)
        window.at += size


class _Window:
    """Bytes of a file around the place that is read."""

    def __init__(self, fetch: Fetch, start: int) -> None:
        self._fetch = fetch
        self._start = start
        self.held = b""
        self.at = 0
        self._ended = False

    def place(self) -> int:
        """Where in the file `at` is."""
        return self._start + self.at

    def left(self) -> int:
        """Bytes behind `at` that are held."""
        return len(self.held) - self.at

    def fill(self, wanted: int) -> bool:
        """Hold `wanted` bytes from `at` on, or all that there are. False at the end of the file."""
        if self.left() < wanted and not self._ended:
            more = self._fetch(self._start + len(self.held), _WINDOW)
            self._ended = len(more) < _WINDOW
            self._start += self.at
            self.held = self.held[self.at :] + more
            self.at = 0
        return self.left() > 0

    def find(self) -> None:
        """Go on to the next header, or to the end."""
        while self.fill(_MOST):
            found = self.held.find(_MAGIC, self.at)
            if found < 0:
                self.at = len(self.held) if self._ended else max(self.at, len(self.held) - len(_MAGIC) + 1)
                continue
            self.at = found
            self.fill(_MOST)
            if block_size(self.held, self.at) is not None:
                return
            self.at += 1


def _inflated(window: bytes, at: int, size: int) -> bytes | None:
    """What the block holds; None if it is damaged, or holds more than a block may."""
    try:
        data, rest = inflate_member(window[at : at + size], _MOST)
    except InflationError:
        return None
    return None if rest else data
