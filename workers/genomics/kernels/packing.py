"""Calls of a byte each packed to two bits, in machine code."""

import numpy as np

from workers.genomics.kernels.machine import compiled


@compiled
def pack_words(words, packed):  # type: ignore[no-untyped-def]
    """`words` (variants, bytes) of four calls each, whose two lowest bits count, into `packed` (variants, bytes)."""
    for variant in range(words.shape[0]):
        row, into = words[variant], packed[variant]
        for at in range(row.shape[0]):
            word = row[at] & np.uint32(0x03030303)
            # The four calls lie 8 bits apart; two shifts bring them side by side into the lowest byte.
            word |= word >> np.uint32(6)
            word |= word >> np.uint32(12)
            into[at] = word
