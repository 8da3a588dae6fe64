from __future__ import annotations

import numpy as np

from workers.genomics.kernels.codes import pack_words


def test_four_bytes_become_one_with_the_first_call_in_its_lowest_bits() -> None:
    calls = np.array([[0, 1, 2, 3, 3, 0, 0, 1]], np.int8)
    packed = np.zeros((1, 2), np.uint8)
    pack_words(calls.view("<u4"), packed)
    assert packed.tolist() == [[0b11_10_01_00, 0b01_00_00_11]]


def test_only_the_two_lowest_bits_of_a_call_count() -> None:
    # -9 is 0b11110111: missing. 4 and -1 are no calls, and disturb no neighbour.
    calls = np.array([[-9, 4, -1, 0]], np.int8)
    packed = np.full((1, 1), 0xFF, np.uint8)
    pack_words(calls.view("<u4"), packed)
    assert packed.tolist() == [[0b00_11_00_11]]


def test_nothing_is_packed_where_there_are_no_variants() -> None:
    packed = np.zeros((0, 3), np.uint8)
    pack_words(np.zeros((0, 3), "<u4"), packed)
    assert packed.shape == (0, 3)
