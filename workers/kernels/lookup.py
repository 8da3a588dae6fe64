"""Sums of scores straight from packed genotypes: four variants make one byte of each sample, which indexes a table.

The two bits of four features (a variant seen through one rule, `workers.kernels.features`) give each sample an index
from 0 to 255; a table of 256 sums of the four weights then answers four variants with one look-up ("four Russians").
Nothing is unpacked to floats. All functions let go of the interpreter lock and keep to the bytes they are given, so
that threads share a block by samples and every sample is summed in one order however samples are cut.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_FLUSH = 128
"""Features whose sums stay in float32 before they are added to float64."""


@nb.njit(nogil=True)
def _indexes(packed, rows, first, out):  # type: ignore[no-untyped-def]
    """`out[4 b + j]`: the codes of sample 4 (first + b) + j of four rows, the first row's in the lowest bits."""
    a, b, c, d = packed[rows[0]], packed[rows[1]], packed[rows[2]], packed[rows[3]]
    for i in range(out.shape[0] // 4):
        p, q, r, s = a[first + i], b[first + i], c[first + i], d[first + i]
        out[4 * i] = (p & 3) | ((q & 3) << 2) | ((r & 3) << 4) | ((s & 3) << 6)
        out[4 * i + 1] = ((p >> 2) & 3) | (q & 12) | ((r & 12) << 2) | ((s & 12) << 4)
        out[4 * i + 2] = ((p >> 4) & 3) | ((q >> 2) & 12) | (r & 48) | ((s & 48) << 2)
        out[4 * i + 3] = ((p >> 6) & 3) | ((q >> 4) & 12) | ((r >> 2) & 48) | (s & 192)


@nb.njit(nogil=True)
def walk(packed, feature_row, tables, starts, entry_feature, entry_weight, first, last, total):  # type: ignore[no-untyped-def]
    """Add every column's own entries, eight at a time, in float64.

    `starts` (columns + 1) cuts `entry_feature` and `entry_weight` by column. Takes samples of the bytes `first` to
    `last - 1`; `total` is (columns, 4 x bytes) of all samples.
    """
    low = np.empty(4 * (last - first), np.uint8)
    high = np.empty(4 * (last - first), np.uint8)
    sums = np.zeros((2, 256))
    rows = np.zeros((2, 4), np.int64)
    for column in range(starts.shape[0] - 1):
        into = total[column, 4 * first : 4 * last]
        for start in range(starts[column], starts[column + 1], 8):
            many = min(8, starts[column + 1] - start)
            sums[:, 0] = 0
            for half in range(2):
                for k in range(4):
                    at = start + 4 * half + k
                    within = 4 * half + k < many
                    feature = entry_feature[at] if within else entry_feature[start]
                    weight = entry_weight[at] if within else 0.0
                    rows[half, k] = feature_row[feature]
                    size = 1 << (2 * k)
                    for code in range(3, -1, -1):
                        more = weight * tables[feature, code]
                        for i in range(size):
                            sums[half, code * size + i] = sums[half, i] + more
            _indexes(packed, rows[0], first, low)
            if many <= 4:
                for i in range(into.shape[0]):
                    into[i] += sums[0, low[i]]
            else:
                _indexes(packed, rows[1], first, high)
                for i in range(into.shape[0]):
                    into[i] += sums[0, low[i]] + sums[1, high[i]]


@nb.njit(nogil=True)
def rows_of_scores(packed, feature_row, tables, weights, first, last, total):  # type: ignore[no-untyped-def]
    """Add all columns of every feature, eight features at a time, in float32; every 128 features into float64.

    `weights` is (features, columns) in float32, its features a multiple of eight; `total` (4 x bytes, columns).
    """
    samples, columns = 4 * (last - first), weights.shape[1]
    low = np.empty(samples, np.uint8)
    high = np.empty(samples, np.uint8)
    sums = np.empty((2, 256, columns), np.float32)
    part = np.zeros((samples, columns), np.float32)
    into = total[4 * first : 4 * last]
    for start in range(0, weights.shape[0], 8):
        for half in range(2):
            sums[half, 0] = 0
            for k in range(4):
                feature = start + 4 * half + k
                size = 1 << (2 * k)
                for code in range(3, -1, -1):
                    value = np.float32(tables[feature, code])
                    for i in range(size):
                        for column in range(columns):
                            sums[half, code * size + i, column] = (
                                sums[half, i, column] + value * weights[feature, column]
                            )
        _indexes(packed, feature_row[start : start + 4], first, low)
        _indexes(packed, feature_row[start + 4 : start + 8], first, high)
        for i in range(samples):
            a, b, c = sums[0, low[i]], sums[1, high[i]], part[i]
            for column in range(columns):
                c[column] += a[column] + b[column]
        if (start + 8) % _FLUSH == 0 or start + 8 >= weights.shape[0]:
            for i in range(samples):
                for column in range(columns):
                    into[i, column] += part[i, column]
                    part[i, column] = 0
