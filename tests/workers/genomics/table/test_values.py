from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from workers.genomics.contract import GenotypeChunk
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.table.layout import DOSAGE_MISSING, DOSAGE_ONE
from workers.genomics.table.values import bits_of, bytes_of, float_dosages, joined_chunk


def test_bytes_of_a_column_are_those_of_its_slice_and_nulls_are_told() -> None:
    column = pa.chunked_array([pa.array([b"ab", None, b"cd", b"ef"], pa.binary(2)).slice(1)])
    values, there = bytes_of(column, 2)
    assert there.tolist() == [False, True, True]
    assert values[there].tobytes() == b"cdef"


@pytest.mark.parametrize("rows", [0, 3])
def test_a_column_of_nulls_or_of_nothing_is_zeros(rows: int) -> None:
    values, there = bytes_of(pa.chunked_array([pa.nulls(rows, pa.binary(2))]), 2)
    assert (values.shape, there.any()) == ((rows, 2), False)


@pytest.mark.parametrize(("first", "last"), [(0, 21), (0, 8), (3, 17), (8, 13), (16, 21), (20, 21)])
def test_bits_are_cut_wherever_they_begin_and_the_rest_of_the_last_byte_is_zero(first: int, last: int) -> None:
    bits = np.random.default_rng(1).random((4, 21)) < 0.5
    packed = np.packbits(bits, axis=1, bitorder="little")
    assert (bits_of(packed, first, last) == np.packbits(bits[:, first:last], axis=1, bitorder="little")).all()


def test_dosages_are_as_stored_and_those_of_the_calls_where_none_are() -> None:
    packed = pack(np.array([[0, 1, 2, 3], [0, 1, 2, 3]], np.int8))
    stored = np.array([[DOSAGE_ONE // 2, DOSAGE_MISSING, 2 * DOSAGE_ONE, 0], [7, 7, 7, 7]], np.uint16)
    found = float_dosages(packed, 4, stored, np.array([True, False]))
    np.testing.assert_array_equal(found, [[0.5, np.nan, 2, 0], [0, 1, 2, np.nan]])


@pytest.mark.parametrize("sizes", [(8, 16, 5), (3, 7), (1, 1, 1), (12, 4)])
def test_neighbouring_parts_become_one_wherever_they_meet(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    calls = random.integers(0, 4, (3, sum(sizes))).astype(np.int8)
    haploid = random.random(calls.shape) < 0.4
    cuts = np.concatenate([[0], np.cumsum(sizes)])
    parts = []
    for number, (first, last) in enumerate(pairwise(cuts)):
        # The first part says of nobody that it is haploid, and only the last has dosages.
        bits = np.packbits(haploid[:, first:last], axis=1, bitorder="little") if number else None
        dosage = np.full((3, last - first), 0.25, np.float32) if last == cuts[-1] else None
        parts.append(GenotypeChunk(np.arange(3), int(last - first), pack(calls[:, first:last]), dosage, bits))
    joined = joined_chunk(parts)
    assert joined.samples == sum(sizes)
    assert (unpack(joined.packed, joined.samples) == calls).all()
    assert joined.haploid is not None
    marked = np.unpackbits(joined.haploid, axis=1, bitorder="little", count=joined.samples)
    assert (marked[:, sizes[0] :] == haploid[:, sizes[0] :]).all()
    assert not marked[:, : sizes[0]].any()
    assert joined.dosage is not None
    copies = np.where(calls == 3, np.nan, calls)[:, : -sizes[-1]]
    np.testing.assert_array_equal(joined.dosage[:, : -sizes[-1]], copies)
    assert (joined.dosage[:, -sizes[-1] :] == 0.25).all()


def test_a_single_part_is_given_back_as_it_is() -> None:
    part = GenotypeChunk(np.arange(1), 3, pack(np.zeros((1, 3), np.int8)))
    assert joined_chunk([part]) is part
