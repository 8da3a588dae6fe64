from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.genomics.contract import Weights
from workers.genomics.kernels.codes import pack
from workers.genomics.kernels.features import weights_table
from workers.genomics.kernels.sample_threads import SampleThreads, packed_bytes
from workers.genomics.kernels.tally import Tally

_SIZE = packed_bytes(5)


def weights_of(fill: list[float], groups: int = 1) -> Weights:
    """Two variants, one score a group, each with a weight on both of them."""
    scores = max(1, groups)
    return Weights(
        [f"s{at}" for at in range(scores)], np.array([4, 9]), np.array(fill), np.arange(3) * scores,
        np.tile(np.arange(scores, dtype=np.int32), 2), np.ones(2 * scores), np.zeros(2 * scores, np.uint8),
        np.zeros(2 * scores, np.uint8), np.arange(scores, dtype=np.int32) if groups else np.full(1, -1, np.int32),
    )  # fmt: skip


def rows_of(calls: list[list[int]]) -> NDArray[np.uint8]:
    packed = np.zeros((len(calls), _SIZE), np.uint8)
    packed[:, :2] = pack(np.array(calls, np.int8))
    return packed


def tally_of(weights: Weights, calls: list[list[int]], haploid: list[list[int]] | None = None) -> Tally:
    tally = Tally(weights_table(weights), 5, _SIZE, SampleThreads(_SIZE, 1))
    bits = None if haploid is None else np.zeros((2, _SIZE // 2), np.uint8)
    mixed = np.zeros(2, bool)
    if bits is not None:
        bits[:, :1] = np.packbits(np.array(haploid, bool), axis=1, bitorder="little")
        mixed = bits.any(axis=1)
    groups = max(int(weights.group.max()) + 1, 0)
    tally.add(np.arange(2), rows_of(calls), mixed, bits, np.zeros((4 * _SIZE, groups)))
    return tally


def test_missing_calls_leave_the_alleles_called_and_those_not_filled_the_denominator_too() -> None:
    called, counted = tally_of(weights_of([0.4, np.nan]), [[3, 0, 1, 2, 3], [0, 3, 1, 2, 3]]).finish()
    assert called[:, 0].tolist() == [2, 2, 4, 4, 0]
    assert counted[:, 0].tolist() == [4, 2, 4, 4, 2]


def test_where_all_is_filled_the_denominator_is_one_number_for_all_samples() -> None:
    called, counted = tally_of(weights_of([0.4, 0.4]), [[3, 0, 1, 2, 3], [0, 3, 1, 2, 3]]).finish()
    assert called[:, 0].tolist() == [2, 2, 4, 4, 0]
    assert counted[:, 0].tolist() == [4] * 5


def test_haploid_calls_have_one_allele_in_both() -> None:
    tally = tally_of(weights_of([0.4, np.nan]), [[2, 3, 0, 0, 0], [2, 2, 3, 0, 0]], [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0]])
    called, counted = tally.finish()
    assert called[:, 0].tolist() == [3, 2, 2, 4, 4]
    assert counted[:, 0].tolist() == [3, 3, 2, 4, 4]


def test_where_nobody_asks_for_counts_there_is_no_column() -> None:
    called, counted = tally_of(weights_of([0.4, 0.4], groups=0), [[3] * 5, [3] * 5]).finish()
    assert (called.shape, counted.shape) == ((5, 0), (5, 0))


def test_without_variants_no_allele_is_counted() -> None:
    called, counted = Tally(weights_table(weights_of([0.1, 0.1])), 5, _SIZE, SampleThreads(_SIZE, 1)).finish()
    assert called.tolist() == counted.tolist() == [[0]] * 5
