"""What is counted of every sample beside the sums: calls that are missing, and calls of one allele."""

from __future__ import annotations

import numba as nb


@nb.njit(nogil=True)
def count_missing(packed, rows, starts, groups, filled, first, last, called, counted):  # type: ignore[no-untyped-def]
    """Take two alleles off `called` (samples, groups) for each missing call, in the groups that have its variant.

    `rows` of `packed` are looked at; the groups of each are cut from `groups` by `starts`. Where a missing call is not
    `filled`, the alleles are taken off `counted` too. Only samples of the bytes `first` to `last - 1`.
    """
    for i in range(rows.shape[0]):
        row = packed[rows[i]]
        for byte in range(first, last):
            missing = row[byte] & (row[byte] >> 1) & 0x55
            if missing == 0:
                continue
            for j in range(4):
                if (missing >> (2 * j)) & 1:
                    for at in range(starts[i], starts[i + 1]):
                        called[4 * byte + j, groups[at]] -= 2
                        if not filled[i]:
                            counted[4 * byte + j, groups[at]] -= 2


@nb.njit(nogil=True)
def count_haploid(packed, haploid, rows, starts, groups, filled, first, last, called, counted):  # type: ignore[no-untyped-def]
    """After `count_missing`: put right what calls of one allele (bits of `haploid`, little order) took or did not."""
    for i in range(rows.shape[0]):
        calls, bits = packed[rows[i]], haploid[rows[i]]
        for sample in range(4 * first, min(4 * last, 8 * bits.shape[0])):
            if (bits[sample >> 3] >> (sample & 7)) & 1 == 0:
                continue
            missing = (calls[sample >> 2] >> (2 * (sample & 3))) & 3 == 3
            for at in range(starts[i], starts[i + 1]):
                if not missing:
                    called[sample, groups[at]] -= 1
                if not missing or filled[i]:
                    counted[sample, groups[at]] -= 1
