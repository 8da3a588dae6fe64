from __future__ import annotations

import numpy as np
import pytest

from workers.genomics.kernels.joining import SiteRecords, codes_of, join

NAN = np.nan


def joined(copies: list[list[float]], haploid: list[list[bool]] | None = None) -> list[float]:
    calls = np.array(copies, np.float32)
    single = np.zeros(calls.shape, bool) if haploid is None else np.array(haploid)
    lines = SiteRecords(np.arange(len(copies)), np.zeros(len(copies), bool))
    return join(calls, single, lines)[0].tolist()


def test_copies_of_all_alternatives_are_their_sum_and_missing_where_one_is() -> None:
    assert joined([[0, 1, 1, 2], [0, 0, 1, NAN]])[:3] == [0, 1, 2]
    assert np.isnan(joined([[0, 1, 1, 2], [0, 0, 1, NAN]])[3])


@pytest.mark.parametrize(("one", "two", "right"), [(1, 1.01, 2), (0.5, 0.25, 0.75), (2, 1, NAN), (1.5, 1, NAN)])
def test_more_than_two_copies_are_a_contradiction_beyond_what_printing_adds(
    one: float, two: float, right: float
) -> None:
    np.testing.assert_allclose(joined([[one], [two]]), [right], rtol=1e-6)


def test_calls_of_which_one_record_has_one_allele_and_another_two_are_missing() -> None:
    found = joined([[0, 2], [0, 0]], [[True, True], [False, True]])
    assert np.isnan(found[0])
    assert found[1] == 2


def test_calls_are_the_nearest_of_copies() -> None:
    assert codes_of(np.array([0, 1, 2, NAN, 0.4, 1.6], np.float32)).tolist() == [0, 1, 2, 3, 0, 2]
