from __future__ import annotations

from itertools import pairwise

import numpy as np

from workers.genomics.kernels.codes import pack
from workers.genomics.kernels.lookup import index_rows, walk

_COPIES = [0.0, 1.0, 2.0, 0.5]
"""What the codes 0 to 3 of a feature are worth."""


def test_the_index_of_a_sample_has_the_first_of_four_rows_in_its_lowest_bits() -> None:
    calls = np.array([[1, 0, 3, 2], [2, 0, 3, 1], [3, 0, 3, 0], [0, 1, 3, 0]], np.int8)
    out = np.zeros((1, 4), np.uint8)
    index_rows(pack(calls), np.array([[0, 1, 2, 3]]), 0, 1, out)
    assert out.tolist() == [[0b00_11_10_01, 0b01_00_00_00, 0xFF, 0b00_00_01_10]]


def test_the_index_takes_any_rows_and_only_the_bytes_that_were_asked_for() -> None:
    calls = np.zeros((2, 12), np.int8)
    calls[1, 4:8] = [1, 2, 3, 0]
    out = np.zeros((1, 4), np.uint8)
    index_rows(pack(calls), np.array([[1, 1, 0, 1]]), 1, 2, out)
    assert out.tolist() == [[0b01_00_01_01, 0b10_00_10_10, 0b11_00_11_11, 0]]


def test_a_walk_adds_to_each_column_its_own_entries_whatever_their_number() -> None:
    random = np.random.default_rng(2)
    calls = random.integers(0, 4, (11, 32)).astype(np.int8)
    values = np.tile(_COPIES, (11, 1))
    # Nothing, one, four (one half), five, eight (both halves), and eleven (a second round).
    sizes = [0, 1, 4, 5, 8, 11]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    feature = np.concatenate([np.arange(size) for size in sizes])
    weight = random.normal(size=len(feature))
    total = np.zeros((len(sizes), 32))
    total[:, 3] = 100
    expected = total.copy()
    for column, (first, last) in enumerate(pairwise(starts)):
        for at in range(first, last):
            expected[column] += weight[at] * np.array(_COPIES)[calls[feature[at]]]
    walk(pack(calls), np.arange(11), values, starts, feature, weight, 0, 8, total)
    np.testing.assert_allclose(total, expected, rtol=1e-13)


def test_a_walk_leaves_samples_of_other_bytes_alone() -> None:
    calls = np.full((1, 16), 2, np.int8)
    total = np.zeros((1, 16))
    walk(pack(calls), np.arange(1), np.array([_COPIES]), np.array([0, 1]), np.array([0]), np.array([3.0]), 1, 3, total)
    assert total[0].tolist() == [0.0] * 4 + [6.0] * 8 + [0.0] * 4
