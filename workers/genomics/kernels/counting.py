"""What is counted of every sample beside the sums: calls that are missing, and calls of one allele."""

import numpy as np

from workers.genomics.kernels.machine import compiled

_SECOND_BITS = np.uint64(0x5555555555555555)


@compiled
def count_missing(words, rows, starts, groups, copies, filled, first, last, called, counted, named):  # type: ignore[no-untyped-def]  # numba infers the types
    """Take two alleles off `called` (samples, groups) for each missing call, in the groups that have its variant.

    `words` are packed rows eight bytes at a time (little order). `rows` of them are looked at; the groups of each are
    cut from `groups` by `starts`. Where a missing call is not `filled`, the alleles are taken off `counted` too; where
    it is, the `copies` that were filled in, one number a group of a row, are taken off `named`. Only samples of the
    words `first` to `last - 1`.
    """
    for i in range(rows.shape[0]):
        row = words[rows[i]]
        for word in range(first, last):
            # Missing is 11: both bits of its field.
            missing = row[word] & (row[word] >> np.uint64(1)) & _SECOND_BITS
            if missing == 0:
                continue
            for j in range(32):
                if (missing >> np.uint64(2 * j)) & np.uint64(1):
                    for at in range(starts[i], starts[i + 1]):
                        called[32 * word + j, groups[at]] -= 2
                        if filled[i]:
                            named[32 * word + j, groups[at]] -= copies[at]
                        else:
                            counted[32 * word + j, groups[at]] -= 2


@compiled
def count_haploid(packed, haploid, rows, starts, groups, copies, filled, first, last, called, counted, named):  # type: ignore[no-untyped-def]  # numba infers the types
    """After `count_missing`: put right what calls of one allele (bits of `haploid`, little order) took or did not.

    Only samples of the bytes `first` to `last - 1`.
    """
    for i in range(rows.shape[0]):
        calls, bits = packed[rows[i]], haploid[rows[i]]
        for sample in range(4 * first, min(4 * last, 8 * bits.shape[0])):
            if (bits[sample >> 3] >> (sample & 7)) & 1 == 0:
                continue
            missing = (calls[sample >> 2] >> (2 * (sample & 3))) & 3 == 3
            for at in range(starts[i], starts[i + 1]):
                if not missing:
                    called[sample, groups[at]] -= 1
                elif filled[i]:
                    named[sample, groups[at]] += copies[at] / 2
                if not missing or filled[i]:
                    counted[sample, groups[at]] -= 1
