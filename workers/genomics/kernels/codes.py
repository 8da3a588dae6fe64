"""Four genotypes in a byte: the 2-bit code of PLINK 2, from and to what else genotypes are written in.

The code: 0 two copies of REF, 1 heterozygous, 2 two copies of ALT, 3 missing; the first sample in the two lowest bits
(PGEN specification 1.0, section 2.3).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.machine import compiled

PER_BYTE = 4

_CERTAIN = 0.1
"""A dosage this near to a whole number is a call (PLINK 2's default)."""
_LOW = np.uint8(0x55)
_HIGH = np.uint8(0xAA)
_BLOCK = 1 << 17
"""Bytes that are recoded at a time: they stay in the cache of a core."""


def row_bytes(samples: int) -> int:
    """Bytes of one variant."""
    return -(-samples // PER_BYTE)


def pack(calls: NDArray[np.int8]) -> NDArray[np.uint8]:
    """(variants, samples) of 0, 1, 2 and 3 or -9 for missing, as (variants, ceil(samples / 4)).

    Only the two lowest bits of a call count; those of -9 are 3.
    """
    variants, samples = calls.shape
    width = row_bytes(samples)
    if samples % PER_BYTE or not calls.flags.c_contiguous:
        whole = np.zeros((variants, width * PER_BYTE), np.int8)
        whole[:, :samples] = calls
        calls = whole
    packed = np.empty((variants, width), np.uint8)
    pack_words(calls.view("<u4"), packed)
    return packed


def certain_calls(copies: NDArray[Any], single: NDArray[np.bool_] | None = None) -> NDArray[np.int8]:
    """The calls that dosages from 0 to 2 are sure of, of the same shape; 3 where they are not sure of one, or NaN.

    `single`: which values are of one allele, and doubled. Where there are dosages and no calls, PLINK 2 calls so.
    """
    whole = np.rint(copies)
    sure = np.abs(copies - whole) <= _CERTAIN
    if single is not None:
        # One allele is there or is not: half of it is no call.
        sure &= ~(single & (whole == 1))
    return np.where(sure, whole, 3).astype(np.int8)


@compiled
def pack_words(words, packed):  # type: ignore[no-untyped-def]  # numba infers the types
    """`words` (variants, bytes) of four calls each, whose two lowest bits count, into `packed` (variants, bytes)."""
    for variant in range(words.shape[0]):
        row, into = words[variant], packed[variant]
        for at in range(row.shape[0]):
            word = row[at] & np.uint32(0x03030303)
            # The four calls lie 8 bits apart; two shifts bring them side by side into the lowest byte.
            word |= word >> np.uint32(6)
            word |= word >> np.uint32(12)
            into[at] = word


def unpack(packed: NDArray[np.uint8], samples: int) -> NDArray[np.int8]:
    """(variants, samples) of 0, 1, 2 and 3 for missing."""
    calls = np.empty((*packed.shape, PER_BYTE), np.int8)
    for place in range(PER_BYTE):
        calls[..., place] = (packed >> np.uint8(2 * place)) & np.uint8(3)
    return calls.reshape(packed.shape[0], packed.shape[1] * PER_BYTE)[:, :samples]


def recode_plink1(packed: NDArray[np.uint8]) -> None:
    """Recode the bytes of a .bed file in place, an array in C order. ALT is A1 of the .bim file, as PLINK 2 takes it.

    .bed has 00 two copies of A1, 01 missing, 10 heterozygous, 11 none: the high bit is inverted, and the low bit is
    then whether they were unlike. What fills the last byte of a row becomes missing or worse: see `clear_tail`.
    """
    flat = packed.reshape(-1)
    scratch = np.empty(min(_BLOCK, len(flat)), np.uint8)
    for at in range(0, len(flat), _BLOCK):
        block = flat[at : at + _BLOCK]
        unlike = scratch[: len(block)]
        np.right_shift(block, 1, out=unlike)
        unlike ^= block
        unlike &= _LOW
        np.invert(block, out=block)
        block &= _HIGH
        block |= unlike


def clear_tail(packed: NDArray[np.uint8], samples: int) -> None:
    """Make the bits behind the last sample zero, in place."""
    inside = samples % PER_BYTE
    if inside and packed.shape[1]:
        packed[:, -1] &= np.uint8((1 << (2 * inside)) - 1)


def take_samples(packed: NDArray[np.uint8], first: int, last: int) -> NDArray[np.uint8]:
    """Samples `first` to `last - 1`; a view where they are whole bytes."""
    width = row_bytes(last - first)
    start = first // PER_BYTE
    shift = 2 * (first % PER_BYTE)
    taken = packed[:, start : start + width]
    if shift:
        moved = taken >> np.uint8(shift)
        following = packed[:, start + 1 : start + 1 + width]
        moved[:, : following.shape[1]] |= following << np.uint8(8 - shift)
        taken = moved
    elif (last - first) % PER_BYTE:
        taken = taken.copy()
    clear_tail(taken, last - first)
    return taken
