from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from workers.images.prepare.voi import read_voi_lut, voi_luts


def header(*tables: Any, little: bool = True) -> Dataset:
    """A header with these (descriptor, data) tables."""
    items = []
    for descriptor, data in tables:
        item = Dataset()
        if descriptor is not None:
            item.LUTDescriptor = descriptor
        if data is not None:
            item.LUTData = data
        items.append(item)
    made = Dataset()
    made.VOILUTSequence = Sequence(items)
    made.set_original_encoding(True, little)
    return made


def test_inputs_outside_of_a_table_take_its_ends() -> None:
    lut = read_voi_lut(header(([3, -1, 10], [7, 8, 1000])), 0)
    assert lut(np.array([-50, -1, 0, 0.9, 1, 99])).tolist() == [7, 7, 8, 8, 1000, 1000]
    assert (lut.first, lut.bits, lut.table.dtype) == (-1, 10, np.uint16)


@pytest.mark.parametrize(
    ("data", "little", "expected"),
    [
        (b"\x01\x02\x03\x00", True, [513, 3]),
        (b"\x01\x02\x03\x00", False, [258, 768]),
        (b"\x05\x09", True, [5, 9]),
    ],
)
def test_words_are_read_in_their_byte_order_and_packed_bytes_one_by_one(
    data: bytes, little: bool, expected: list[int]
) -> None:
    assert read_voi_lut(header(([2, 0, 16], data), little=little), 0).table.tolist() == expected


def test_a_table_of_8_bits_and_more_than_256_entries_is_looked_up_without_wrapping() -> None:
    lut = read_voi_lut(header(([300, 0, 8], list(range(250)) + [250] * 50)), 0)
    assert lut(np.array([299.0, 3.0])).tolist() == [250, 3]


@pytest.mark.parametrize(
    ("descriptor", "data", "said"),
    [([2, 0, 9], [1, 2], "9 bits"), ([2, 0, 17], [1, 2], "17 bits"), ([3, 0, 8], [1, 2], "fewer entries")],
)
def test_a_table_that_is_malformed_is_refused(descriptor: list[int], data: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_voi_lut(header((descriptor, data)), 0)


def test_a_count_of_0_stands_for_65536_entries() -> None:
    lut = read_voi_lut(header(([0, 0, 16], np.arange(2**16, dtype="<u2").tobytes())), 0)
    assert lut(np.array([65_535])).tolist() == [65_535]


def test_a_first_table_without_descriptor_or_data_counts_as_none() -> None:
    whole = ([1, 0, 8], [1])
    assert voi_luts(header(whole, whole)) == 2
    assert voi_luts(header((None, [1]), whole)) == 0
    assert voi_luts(Dataset()) == 0
