"""Rows of equal width in a file, read by as few ranges of bytes as is cheap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


@dataclass(frozen=True)
class Span:
    """One range of a file, and the pieces of `width` bytes in it that are wanted, `stride` bytes apart."""

    start: int
    length: int
    pieces: NDArray[np.int64]
    """which of the pieces, counted from the first, ascending"""
    width: int
    stride: int
    body: bytes = b""

    def filled(self, body: bytes) -> Span:
        """The same with its bytes."""
        return replace(self, body=body)

    def into(self, rows: NDArray[np.uint8]) -> int:
        """Copy the pieces to the first rows; how many they are."""
        count = len(self.pieces)
        between = as_strided(
            np.frombuffer(self.body, np.uint8), (int(self.pieces[-1]) + 1, self.width), (self.stride, 1)
        )
        if count == len(between):
            rows[:count] = between
        else:
            np.take(between, self.pieces, axis=0, out=rows[:count])
        return count


def spans_of(rows: NDArray[np.int64], offset: int, width: int, stride: int, *, near: int, most: int) -> Iterator[Span]:
    """Spans that together hold `width` bytes from `offset + row * stride` for every row, in order.

    What lies less than `near` bytes apart is read in one, as long as a span has at most `most` bytes, or one row.
    """
    if not len(rows):
        return
    apart = np.diff(rows) * stride - width > near
    for run in np.split(rows, np.flatnonzero(apart) + 1):
        begin = 0
        while begin < len(run):
            reach = run[begin] + max(0, most - width) // stride
            end = int(np.searchsorted(run, reach, "right"))
            pieces = run[begin:end] - run[begin]
            yield Span(offset + int(run[begin]) * stride, int(pieces[-1]) * stride + width, pieces, width, stride)
            begin = end
