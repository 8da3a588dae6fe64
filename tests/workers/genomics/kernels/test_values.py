from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.kernels.values import add_dosages


def one(dosage: float, rule: int, fill: float = 0.5, haploid: bool = False) -> float:
    """What one dosage of weight 1 adds. A rule is twice the kind, and 1 more for copies of REF."""
    total = np.zeros((1, 1))
    add_dosages(
        np.array([[dosage]], np.float32), np.array([[int(haploid)]], np.uint8), np.array([haploid]), np.array([0, 1]),
        np.array([0]), np.array([1.0]), np.array([rule], np.uint8), np.array([fill]), 0, 1, total,
    )  # fmt: skip
    return float(total[0, 0])


@pytest.mark.parametrize(
    ("dosage", "rule", "expected"),
    [
        (0.25, 0, 0.25),
        (0.25, 1, 1.75),
        (1.5, 2, 1.0),  # dominant: at most one copy
        (0.25, 2, 0.25),
        (1.5, 3, 0.5),
        (1.5, 4, 0.5),  # recessive: what is beyond one copy
        (0.25, 4, 0.0),
        (0.25, 5, 0.75),
    ],
)
def test_a_dosage_counts_by_its_kind_and_allele(dosage: float, rule: int, expected: float) -> None:
    assert one(dosage, rule) == expected


@pytest.mark.parametrize(
    ("rule", "haploid", "expected"),
    [
        (0, False, 0.5),
        (1, False, 1.5),
        (2, False, 0.25),  # dominant and recessive: the frequency of the effect allele
        (3, False, 0.75),
        (4, False, 0.25),
        (0, True, 0.25),  # one allele of the two that are expected
        (1, True, 0.75),
        (2, True, 0.25),
        (4, True, 0.0),
    ],
)
def test_a_missing_dosage_counts_as_what_the_cohort_lets_expect(rule: int, haploid: bool, expected: float) -> None:
    assert one(np.nan, rule, haploid=haploid) == expected


@pytest.mark.parametrize("rule", range(6))
def test_a_missing_dosage_without_a_frequency_counts_nothing(rule: int) -> None:
    assert one(np.nan, rule, fill=np.nan) == 0.0


@pytest.mark.parametrize(("rule", "expected"), [(0, 0.75), (1, 0.25), (2, 0.75), (4, 0.0)])
def test_a_haploid_dosage_is_half_of_what_is_written(rule: int, expected: float) -> None:
    assert one(1.5, rule, haploid=True) == expected


def test_samples_beyond_a_tile_count_and_those_outside_of_the_range_do_not() -> None:
    samples = 5000
    total = np.zeros((2, samples))
    add_dosages(
        np.ones((1, samples), np.float32), np.zeros((1, 0), np.uint8), np.array([False]), np.array([0, 2]),
        np.array([0, 1]), np.array([2.0, -1.0]), np.array([0, 0], np.uint8), np.array([0.0]), 10, 4999, total,
    )  # fmt: skip
    assert total[:, 10:4999].tolist() == [[2.0] * 4989, [-1.0] * 4989]
    assert not total[:, :10].any()
    assert not total[:, 4999:].any()
