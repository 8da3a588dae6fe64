"""What is counted of every sample over many variants, without unpacking the calls.

A call of the wanted kind is one bit in a field of two. Three rows are added within fields of two bits, five of those
within four bits, seventeen within a byte: each sum is as wide as it has to be, and eight bytes are added at once.
"""

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.counts import words_of
from workers.genomics.kernels.machine import compiled

_FIELDS = np.uint64(0x5555555555555555)
_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)
_TOGETHER = 255
"""Rows that a sum of one byte holds"""


def count_samples(packed: NDArray[np.uint8], samples: int) -> NDArray[np.int64]:
    """(3, samples): how many calls of each sample are het, hom_alt and missing among the variants of `packed`."""
    words = words_of(packed)
    counts = np.zeros((3, words.shape[1] * 8, 4), np.int64)
    for at in range(0, len(words), _TOGETHER):
        octets = _octets(words[at : at + _TOGETHER])
        for place in range(4):
            counts[:, :, place] += octets[:, place].view(np.uint8)
    return counts.reshape(3, -1)[:, :samples]


@compiled
def _octets(words):  # type: ignore[no-untyped-def]  # numba infers the types
    """(3, 4, words): by kind of call and place in a byte, the sum of at most 255 rows of each sample in a byte."""
    width = words.shape[1]
    octets = np.zeros((3, 4, width), np.uint64)
    nibbles = np.zeros((3, 2, width), np.uint64)
    pairs = np.zeros((3, width), np.uint64)
    het, hom_alt, missing = pairs[0], pairs[1], pairs[2]
    many = words.shape[0]
    for number in range(many):
        row = words[number]
        for at in range(width):
            low, high = row[at] & _FIELDS, (row[at] >> _ONE) & _FIELDS
            both = low & high
            het[at] += low ^ both
            hom_alt[at] += high ^ both
            missing[at] += both
        if (number + 1) % 3 == 0 or number + 1 == many:
            for kind in range(3):
                _widen(pairs[kind], nibbles[kind, 0], nibbles[kind, 1], _TWO, _PAIRS)
        if (number + 1) % 15 == 0 or number + 1 == many:
            for kind in range(3):
                for odd in range(2):
                    _widen(nibbles[kind, odd], octets[kind, odd], octets[kind, odd + 2], _FOUR, _NIBBLES)
    return octets


@compiled
def _widen(narrow, even, odd, bits, mask):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add fields to fields of twice their width, and empty them."""
    for at in range(narrow.shape[0]):
        even[at] += narrow[at] & mask
        odd[at] += (narrow[at] >> bits) & mask
        narrow[at] = np.uint64(0)
