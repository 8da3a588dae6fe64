from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.kernels.codes import pack, recode_plink1, row_bytes, take_samples, unpack


@pytest.mark.parametrize("samples", [1, 3, 4, 5, 8, 33])
def test_packing_keeps_every_call_and_the_bits_behind_the_last_are_zero(samples: int) -> None:
    calls = np.random.default_rng(samples).integers(0, 4, (7, samples)).astype(np.int8)
    packed = pack(np.where(calls == 3, -9, calls).astype(np.int8))
    assert packed.shape == (7, row_bytes(samples))
    assert (unpack(packed, samples) == calls).all()
    assert not unpack(packed, 4 * packed.shape[1])[:, samples:].any()


def test_the_bytes_of_the_published_example_are_what_they_say() -> None:
    # bed-reader's small.bed: 4 variants of 3 samples; copies of A1, missing as 3.
    body = np.array([[0x32], [0x2F], [0x05], [0x33]], np.uint8)
    recode_plink1(body)
    assert unpack(body, 3).tolist() == [[1, 2, 0], [0, 0, 1], [3, 3, 2], [0, 2, 0]]


@pytest.mark.parametrize(("first", "last"), [(0, 33), (1, 33), (2, 3), (3, 9), (4, 8), (4, 7), (31, 33), (32, 33)])
def test_samples_are_cut_wherever_they_begin(first: int, last: int) -> None:
    calls = np.random.default_rng(1).integers(0, 4, (5, 33)).astype(np.int8)
    packed = pack(calls)
    before = packed.copy()
    assert (take_samples(packed, first, last) == pack(calls[:, first:last])).all()
    assert (packed == before).all()
