"""Sums of scores straight from packed genotypes: four variants make one byte of each sample, which indexes a table.

The two bits of four features (a variant seen through one rule, `workers.genomics.kernels.features`) give each sample
an index from 0 to 255; a table of 256 sums of the four weights then answers four variants with one look-up ("four
Russians"). Nothing is unpacked to floats. All functions let go of the interpreter lock and keep to the bytes they are
given, so that threads share a block by samples and every sample is summed in one order however samples are cut.
"""

import numpy as np

from workers.genomics.kernels.machine import compiled


@compiled
def index_rows(packed, rows, first, last, out):  # type: ignore[no-untyped-def]  # numba infers the types
    """`out[g, 4 b + j]`: the codes of sample 4 (first + b) + j in rows 4 g to 4 g + 3, the first in the lowest bits.

    `rows` says which of `packed`, (groups, 4). Takes the bytes `first` to `last - 1`.
    """
    for group in range(rows.shape[0]):
        to = out[group]
        a, b, c, d = packed[rows[group, 0]], packed[rows[group, 1]], packed[rows[group, 2]], packed[rows[group, 3]]
        for i in range(last - first):
            p, q, r, s = a[first + i], b[first + i], c[first + i], d[first + i]
            to[4 * i] = (p & 3) | ((q & 3) << 2) | ((r & 3) << 4) | ((s & 3) << 6)
            to[4 * i + 1] = ((p >> 2) & 3) | (q & 12) | ((r & 12) << 2) | ((s & 12) << 4)
            to[4 * i + 2] = ((p >> 4) & 3) | ((q >> 2) & 12) | (r & 48) | ((s & 48) << 2)
            to[4 * i + 3] = ((p >> 6) & 3) | ((q >> 4) & 12) | ((r >> 2) & 48) | (s & 192)


@compiled
def walk(packed, feature_row, values, starts, entry_feature, entry_weight, first, last, total):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add every column's own entries, eight at a time, in float64.

    `starts` (columns + 1) cuts `entry_feature` and `entry_weight` by column. Takes samples of the bytes `first` to
    `last - 1`; `total` is (columns, 4 x bytes) of all samples.
    """
    index = np.empty((2, 4 * (last - first)), np.uint8)
    sums = np.zeros((2, 256))
    rows = np.zeros((2, 4), np.int64)
    for column in range(starts.shape[0] - 1):
        into = total[column, 4 * first : 4 * last]
        for start in range(starts[column], starts[column + 1], 8):
            many = min(8, starts[column + 1] - start)
            for k in range(8):
                half, size = k // 4, 1 << 2 * (k % 4)
                # Where entries end, the last one again with weight 0: the loops below always find eight.
                at = start + min(k, many - 1)
                weight = entry_weight[at] if k < many else 0.0
                feature = entry_feature[at]
                rows[half, k % 4] = feature_row[feature]
                if size == 1:
                    sums[half, 0] = 0
                # Downwards: code 0 overwrites the sums that the other codes are made from.
                for code in range(3, -1, -1):
                    more = weight * values[feature, code]
                    for i in range(size):
                        sums[half, code * size + i] = sums[half, i] + more
            index_rows(packed, rows, first, last, index)
            low, high = index[0], index[1]
            # The second table would only add zeros.
            if many <= 4:
                for i in range(into.shape[0]):
                    into[i] += sums[0, low[i]]
            else:
                for i in range(into.shape[0]):
                    into[i] += sums[0, low[i]] + sums[1, high[i]]
