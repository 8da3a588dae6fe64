from __future__ import annotations

from math import comb, factorial

import numpy as np
import pytest

from workers.genomics.hwe import HardyWeinberg


def by_definition(counts: tuple[int, int, int]) -> float:
    people, copies = sum(counts), counts[1] + 2 * counts[2]
    ways = {
        het: factorial(people) * 2**het // (factorial((copies - het) // 2) * factorial(het)
        * factorial(people - het - (copies - het) // 2))
        for het in range(copies % 2, min(copies, 2 * people - copies) + 1, 2)
    }  # fmt: skip
    return sum(way for way in ways.values() if way <= ways[counts[1]]) / sum(ways.values())


def by_definition_on_x(women: tuple[int, int, int], men: tuple[int, int]) -> float:
    people, males, copies = sum(women), sum(men), women[1] + 2 * women[2] + men[1]
    ways = {}
    for carried in range(max(0, copies - 2 * people), min(males, copies) + 1):
        rest = copies - carried
        for het in range(rest % 2, min(rest, 2 * people - rest) + 1, 2):
            alt = (rest - het) // 2
            ways[carried, het] = comb(males, carried) * comb(people, het) * comb(people - het, alt) * 2**het
    seen = ways[men[1], women[1]]
    return sum(way for way in ways.values() if way <= seen) / sum(ways.values())


def test_p_is_the_sum_over_all_that_is_no_likelier() -> None:
    every = [(a, b, n - a - b) for n in range(13) for a in range(n + 1) for b in range(n - a + 1)]
    every += [(60, 3, 40), (0, 99, 1), (51, 0, 49), (10, 80, 10)]
    found = HardyWeinberg(120).p(*(np.array(column) for column in zip(*every, strict=True)))
    np.testing.assert_allclose(found, [by_definition(counts) for counts in every], rtol=1e-9)


@pytest.mark.parametrize(
    ("women", "men"),
    [((6, 7, 8), (8, 5)), ((0, 0, 0), (4, 5)), ((3, 4, 5), (0, 0)), ((20, 1, 19), (3, 30)), ((9, 0, 0), (7, 1)),
     ((0, 9, 0), (0, 7)), ((0, 0, 0), (0, 0))],
)  # fmt: skip
def test_on_x_the_copies_of_men_count_too(women: tuple[int, int, int], men: tuple[int, int]) -> None:
    assert HardyWeinberg(80).p_x(women, men) == pytest.approx(by_definition_on_x(women, men), rel=1e-9)


def test_a_large_cohort_out_of_equilibrium_has_a_small_p_and_not_zero() -> None:
    test = HardyWeinberg(500_000)
    near, far = test.p(np.array([245_000, 249_935]), np.array([210_000, 200_130]), np.array([45_000, 49_935]))
    assert 0.5 < near <= 1
    assert 0 < far < 1e-200
