"""One word of 32 samples, two variants: the first in groups 0 and 1, the second in group 1 alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.codes import pack
from workers.genomics.kernels.counting import count_haploid, count_missing

_STARTS = np.array([0, 2, 3])
_GROUPS = np.array([0, 1, 1])
_COPIES = np.array([0.5, 1.5, 0.25])
"""Filled in, by variant and group: in group 1 the first variant counts REF."""


def calls_of(missing: dict[int, int]) -> NDArray[np.uint8]:
    """Packed calls: homozygous ALT but for `missing`, sample by variant."""
    calls = np.full((2, 32), 2, np.int8)
    for sample, variant in missing.items():
        calls[variant, sample] = 3
    return pack(calls)


def zeros() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    return np.zeros((32, 2), np.int64), np.zeros((32, 2), np.int64), np.zeros((32, 2))


def test_a_missing_call_takes_two_alleles_and_its_fill_off_the_groups_of_its_variant() -> None:
    called, counted, named = zeros()
    words = calls_of({0: 0, 31: 1}).view(np.uint64)
    count_missing(words, np.arange(2), _STARTS, _GROUPS, _COPIES, np.array([True, False]), 0, 1, called, counted, named)
    assert called[[0, 31]].tolist() == [[-2, -2], [0, -2]]
    # What is filled in stays in the denominator; what is not leaves it.
    assert counted[[0, 31]].tolist() == [[0, 0], [0, -2]]
    assert named[[0, 31]].tolist() == [[-0.5, -1.5], [0.0, 0.0]]
    assert not called[1:31].any()


def test_a_haploid_call_has_one_allele_whether_called_filled_or_left_out() -> None:
    called, counted, named = zeros()
    packed = calls_of({1: 0, 2: 1})
    haploid = np.packbits(np.isin(np.arange(32), [0, 1, 2])[None].repeat(2, axis=0), axis=1, bitorder="little")
    filled = np.array([True, False])
    given = (_STARTS, _GROUPS, _COPIES, filled)
    count_missing(packed.view(np.uint64), np.arange(2), *given, 0, 1, called, counted, named)
    count_haploid(packed, haploid, np.arange(2), *given, 0, 8, called, counted, named)
    # Of group 1: both called; the first missing and filled; the second missing and not filled.
    assert called[:3, 1].tolist() == [-2, -3, -3]
    assert counted[:3, 1].tolist() == [-2, -2, -3]
    assert named[:3, 1].tolist() == [0.0, -0.75, 0.0]
    assert called[:3, 0].tolist() == [-1, -2, -1]
    assert not called[3:].any()


def test_only_samples_of_the_bytes_that_were_given_are_put_right() -> None:
    called, counted, named = zeros()
    haploid = np.full((2, 4), 0xFF, np.uint8)
    count_haploid(
        calls_of({}), haploid, np.arange(2), _STARTS, _GROUPS, _COPIES, np.array([True, True]), 1, 2,
        called, counted, named,
    )  # fmt: skip
    assert np.flatnonzero(called.any(axis=1)).tolist() == [4, 5, 6, 7]
