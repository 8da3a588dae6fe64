from __future__ import annotations

import numpy as np

from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.kernels.ploidy import split_ploidy


def test_a_mixed_row_becomes_its_diploid_calls_its_haploid_calls_and_who_is_haploid() -> None:
    calls = np.array([[2, 1, 3, 2, 3], [1, 1, 2, 0, 3]], np.int8)
    haploid = np.packbits(np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool), axis=1, bitorder="little")
    rows = unpack(split_ploidy(pack(calls), haploid, np.array([True, False])), 5)
    assert rows.tolist() == [
        [0, 1, 0, 2, 3],  # diploid calls of the mixed row
        [1, 1, 2, 0, 3],  # the row that is diploid as a whole, as it was
        [2, 0, 3, 0, 0],  # haploid calls of the mixed row
        [3, 0, 3, 0, 0],  # who is haploid on it
    ]


def test_the_packed_rows_that_were_given_are_left_as_they_were() -> None:
    packed = pack(np.full((1, 9), 2, np.int8))
    before = packed.copy()
    split_ploidy(packed, np.array([[0xFF, 0x01]], np.uint8), np.array([True]))
    assert (packed == before).all()


def test_without_a_mixed_row_nothing_is_added() -> None:
    packed = pack(np.array([[0, 1, 2]], np.int8))
    rows = split_ploidy(packed, np.zeros((1, 1), np.uint8), np.array([False]))
    assert rows.tolist() == packed.tolist()
