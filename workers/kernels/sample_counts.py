"""What is counted of every sample over many variants, without unpacking the calls.

A call of the wanted kind is one bit in a field of two. Three rows are added within fields of two bits, five of those
within four bits, seventeen within a byte: each sum is as wide as it has to be, and eight bytes are added at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.kernels.counts import words_of

_FIELDS = np.uint64(0x5555555555555555)
_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)
_BLOCK = 1 << 18


def count_samples(packed: NDArray[np.uint8], samples: int) -> NDArray[np.int64]:
    """(3, samples): how many calls of each sample are het, hom_alt and missing among the variants of `packed`."""
    counts = np.zeros((3, samples), np.int64)
    rows = max(1, _BLOCK // max(1, packed.shape[1]))
    for at in range(0, len(packed), rows):
        words = words_of(packed[at : at + rows])
        low, high = words & _FIELDS, (words >> _ONE) & _FIELDS
        missing = low & high
        for row, bits in enumerate((low ^ missing, high ^ missing, missing)):
            counts[row] += _column_sums(bits)[:samples]
    return counts


def _column_sums(bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(rows, words) of fields of 0 or 1 as the sum of each field over the rows."""
    pairs = _sums(bits, 3)
    sums = np.empty((bits.shape[1] * 8, 4), np.int64)
    for odd_pair in (0, 1):
        nibbles = _sums((pairs >> _TWO if odd_pair else pairs) & _PAIRS, 5)
        for odd_nibble in (0, 1):
            octets = _sums((nibbles >> _FOUR if odd_nibble else nibbles) & _NIBBLES, 17)
            sums[:, odd_pair + 2 * odd_nibble] = octets.view(np.uint8).sum(axis=0, dtype=np.int64)
    return sums.reshape(-1)


def _sums(rows: NDArray[np.uint64], together: int) -> NDArray[np.uint64]:
    """Each so many rows added up, and what is left over."""
    whole = len(rows) // together * together
    groups = rows[:whole].reshape(-1, together, rows.shape[1])
    added = groups[:, 0].copy()
    for place in range(1, together):
        added += groups[:, place]
    if whole == len(rows):
        return added
    rest: NDArray[np.uint64] = rows[whole:].sum(axis=0, dtype=np.uint64, keepdims=True)
    return np.concatenate([added, rest])
