"""Probabilities of any bits, phase, ploidy and number of alleles as copies of alleles, against the definition."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RecordError
from tests.support.bgen_files import BgenVariant, probabilities
from workers.genomics.files.bgen_blocks import ZLIB
from workers.genomics.files.bgen_values import copies_of, inflated


def body(variant: BgenVariant) -> bytes:
    return probabilities(variant, len(variant.numbers))


@st.composite
def some(draw: st.DrawFn) -> tuple[BgenVariant, list[list[float] | None]]:
    """A variant, and by the definition the copies of each allele of each sample."""
    alleles, bits, phased = draw(st.integers(1, 4)), draw(st.integers(1, 32)), draw(st.booleans())
    ploidy = draw(st.lists(st.integers(0, 2), min_size=0, max_size=7))
    whole = (1 << bits) - 1
    pairs = sorted(combinations_with_replacement(range(alleles), 2), key=lambda pair: (pair[1], pair[0]))
    numbers: list[list[int] | None] = []
    copies: list[list[float] | None] = []
    for p in ploidy:
        if p == 0 or draw(st.integers(0, 4)) == 0:
            numbers.append([] if p == 0 else None)
            copies.append(None)
            continue
        of: list[tuple[int, ...]] = [(a,) for a in range(alleles)] if p == 1 or phased else pairs
        groups = [_shares(draw, len(of), whole) for _ in range(p if phased else 1)]
        numbers.append([number for group in groups for number in group[:-1]])
        found = [0.0] * alleles
        for group in groups:
            for share, carried in zip(group, of, strict=True):
                for allele in carried:
                    found[allele] += share / whole * (2 if p == 1 else 1)
        copies.append(found)
    letters = ["A", "C", "G", "T"][:alleles]
    return BgenVariant(5, letters, numbers, phased=phased, bits=bits, ploidy=ploidy), copies


def _shares(draw: st.DrawFn, count: int, whole: int) -> list[int]:
    """So many whole numbers with this sum."""
    cuts = sorted(draw(st.lists(st.integers(0, whole), min_size=count - 1, max_size=count - 1)))
    return np.diff([0, *cuts, whole]).tolist()


@settings(deadline=None, max_examples=200)
@given(some())
def test_copies_are_those_of_the_definition(made: tuple[BgenVariant, list[list[float] | None]]) -> None:
    variant, wanted = made
    found = copies_of(body(variant), len(wanted), len(variant.alleles))
    assert found.of.shape == (len(variant.alleles), len(wanted))
    for sample, copies in enumerate(wanted):
        if copies is None:
            assert np.isnan(found.of[:, sample]).all()
        else:
            np.testing.assert_allclose(found.of[:, sample], copies, atol=1e-6)
    single = [p == 1 for p in variant.ploidy]
    assert (found.single.tolist() if found.single is not None else [False] * len(single)) == single


PLAIN = BgenVariant(5, "AC", [(255, 0), (0, 255), None])


@pytest.mark.parametrize(
    ("harmed", "status"),
    [
        (body(PLAIN)[:-1], "unreadable"),
        (body(PLAIN)[:9], "unreadable"),
        (b"\x04" + body(PLAIN)[1:], "unreadable"),
        (body(PLAIN)[:-8] + b"\2" + body(PLAIN)[-7:], "unreadable"),
        (body(PLAIN)[:-7] + b"\x21" + body(PLAIN)[-6:], "unreadable"),
        (body(BgenVariant(5, "AC", [(255, 255)])), "unreadable"),
        (body(BgenVariant(5, "AC", [(0, 0, 0)], ploidy=[3])), "unsupported"),
    ],
)
def test_what_is_damaged_or_of_another_ploidy_says_so(harmed: bytes, status: str) -> None:
    samples = 1 if len(harmed) < 15 and harmed[0] == 1 else 3
    with pytest.raises(RecordError) as raised:
        copies_of(harmed, samples, 2)
    assert raised.value.status == status


def test_what_inflates_to_more_than_its_samples_need_is_not_inflated() -> None:
    with pytest.raises(RecordError) as raised:
        inflated(b"x", ZLIB, 1 << 30, samples=10, alleles=2)
    assert raised.value.status == "too_large"
    with pytest.raises(RecordError, match="damaged"):
        inflated(b"x", ZLIB, 40, samples=10, alleles=2)
