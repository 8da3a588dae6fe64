from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.kernels.joining import SiteRecords, codes_of, join, join_calls

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


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_packed_calls_are_joined_as_their_copies_are(data: st.DataObject) -> None:
    records, samples = data.draw(st.integers(2, 4)), data.draw(st.integers(1, 9))
    calls = data.draw(arrays(np.int8, (records, samples), elements=st.integers(0, 3)))
    plain = SiteRecords(np.arange(records), np.zeros(records, bool))
    assert plain.is_sum
    copies = np.array([0, 1, 2, NAN], np.float32)[calls]
    wanted, _ = join(copies, np.zeros(calls.shape, bool), plain)
    found = join_calls(list(pack(calls)))
    assert np.array_equal(found, pack(codes_of(wanted)[None])[0])
    assert unpack(found[None], samples)[0].tolist() == codes_of(wanted).tolist()


def test_where_a_star_stands_for_alts_of_other_lines_copies_are_no_sum() -> None:
    star = np.array([False, True, False, True])
    assert not SiteRecords(np.array([0, 0, 1, 1]), star).is_sum
    assert SiteRecords(np.array([0, 0, 0, 0]), star).is_sum
