"""Heterozygous and missing calls of every sample, counted without unpacking: many bytes at a time, in bits.

A call has two bits, so a byte holds four flags. Three rows of flags add up in two bits each, five such sums in four
bits, seventeen of these in eight: only then is a byte taken apart.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.genotypes.ploidy import Numbers

_IN_TWO = 3
_IN_FOUR = 5
_ROWS = 255
_TILE = 2048
"""Bytes of a row at a time, so that a block of rows stays in the cache."""
_ONE, _FLAGS, _PAIRS, _HALF = np.uint8(1), np.uint8(0x55), np.uint8(0x33), np.uint8(0x0F)

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Counted:
    """Of every sample, over so many variants."""

    variants: int
    het: NDArray[np.int64]
    missing: NDArray[np.int64]


class CallCounts:
    """Counts for `samples` samples on at most `threads` threads."""

    def __init__(self, samples: int, threads: int) -> None:
        self._samples = samples
        self._threads = threads
        self._variants = 0
        self._counts = np.zeros((2, 4, -(-samples // 4)), np.int64)
        """heterozygous and missing, by place in the byte, by byte"""

    def add(self, packed: Bytes, rows: Numbers) -> None:
        """Count these rows of packed calls."""
        self._variants += len(rows)
        tiles = [slice(start, start + _TILE) for start in range(0, packed.shape[1], _TILE)]
        if self._threads == 1 or len(tiles) == 1:
            for tile in tiles:
                self._add(packed, rows, tile)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(lambda tile: self._add(packed, rows, tile), tiles))

    def _add(self, packed: Bytes, rows: Numbers, tile: slice) -> None:
        for start in range(0, len(rows), _ROWS):
            calls = packed[rows[start : start + _ROWS], tile]
            low, high = calls & _FLAGS, (calls >> _ONE) & _FLAGS
            both = low & high
            self._counts[0, :, tile] += _sums(low ^ both)
            self._counts[1, :, tile] += _sums(both)

    def finish(self) -> Counted:
        """Everything since the start."""
        het, missing = (part.T.reshape(-1)[: self._samples] for part in self._counts)
        return Counted(self._variants, het, missing)


def _sums(flags: Bytes) -> Bytes:
    """(4, bytes): the flags of at most 255 rows, added up by their place in the byte."""
    rows = -(-len(flags) // (_IN_TWO * _IN_FOUR)) * _IN_TWO * _IN_FOUR
    if rows > len(flags):
        flags = np.concatenate([flags, np.zeros((rows - len(flags), flags.shape[1]), np.uint8)])
    two = _added(flags, _IN_TWO)
    four = [_added((two >> np.uint8(shift)) & _PAIRS, _IN_FOUR) for shift in (0, 2)]
    return np.stack(
        [((four[place % 2] >> np.uint8(4 * (place // 2))) & _HALF).sum(axis=0, dtype=np.uint8) for place in range(4)]
    )


def _added(values: Bytes, rows: int) -> Bytes:
    """Every so many rows as one."""
    return np.asarray(values.reshape(-1, rows, values.shape[1]).sum(axis=1, dtype=np.uint8))
