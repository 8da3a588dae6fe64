from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.workers.genomics.kernels.naive import Cohort, naive_sums
from tests.workers.genomics.kernels.worlds import cohort, weights
from workers.genomics.contract import GenotypeChunk, Kernel, Sums, Weights
from workers.genomics.kernels.features import weights_table
from workers.genomics.kernels.opening import open_kernel
from workers.genomics.kernels.packed import PackedKernel
from workers.genomics.kernels.products import Products
from workers.genomics.kernels.sample_threads import SampleThreads, packed_bytes
from workers.genomics.kernels.sums import Panels, Walked

_SAMPLES = 301
_WAYS = ("chosen", "walked", "panels", "products")


def _open(way: str, of: Weights, samples: int, threads: int = 1) -> Kernel:
    table, size = weights_table(of), packed_bytes(samples)
    pool = SampleThreads(size, threads)
    makes = {
        "walked": partial(Walked, size, table.columns, table.scores, pool),
        "panels": partial(Panels, size, table.columns, table.scores, pool),
        "products": partial(Products, size, table.columns, table.scores, "cpu"),
    }
    if way == "chosen":
        return open_kernel(of, samples, threads)
    return PackedKernel(table, samples, 32, makes[way], pool)


def _sums(kernel: Kernel, chunks: list[GenotypeChunk]) -> Sums:
    for chunk in chunks:
        kernel.add(chunk)
    return kernel.finish()


def _near(found: NDArray[np.float64], expected: NDArray[np.float64], relative: float) -> bool:
    return bool(np.abs(found - expected).max() <= relative * max(1.0, np.abs(expected).max()))


def _agree(found: Sums, expected: Sums, relative: float = 1e-6) -> bool:
    return (
        _near(found.total, expected.total, relative)
        and _near(found.named_dosage, expected.named_dosage, relative)
        and np.array_equal(found.allele_count, expected.allele_count)
        and np.array_equal(found.denominator, expected.denominator)
    )


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("haploid", [False, True], ids=["diploid", "haploid"])
@pytest.mark.parametrize("dosages", [False, True], ids=["calls", "dosages"])
@pytest.mark.parametrize(("scores", "density"), [(1, 1.0), (3, 1.0), (21, 0.8), (21, 0.05)])
def test_every_way_finds_what_counting_one_call_after_the_other_finds(
    way: str, haploid: bool, dosages: bool, scores: int, density: float
) -> None:
    people = cohort(1, 60, _SAMPLES, haploid, dosages)
    of = weights(2, people, scores, density)
    kernel = _open(way, of, _SAMPLES)
    found = _sums(kernel, [people.chunk(slice(0, 40), slice(None)), people.chunk(slice(40, 60), slice(None))])
    assert _agree(found, naive_sums(of, people))


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("dosages", [False, True], ids=["calls", "dosages"])
def test_sums_are_the_same_where_nobody_asks_for_counts(way: str, dosages: bool) -> None:
    people = cohort(11, 60, _SAMPLES, dosages=dosages)
    of = weights(12, people, 5)
    alone = replace(of, group=np.full(5, -1, np.int32))
    chunks = [people.chunk(slice(None), slice(None))]
    found = _sums(_open(way, alone, _SAMPLES), chunks)
    assert _near(found.total, naive_sums(of, people).total, 1e-6)
    assert [part.shape for part in (found.allele_count, found.denominator, found.named_dosage)] == [(_SAMPLES, 0)] * 3


def test_sums_in_float64_are_exact_to_rounding() -> None:
    people = cohort(3, 200, _SAMPLES)
    of = weights(4, people, 2)
    found = _sums(open_kernel(of, _SAMPLES, 1), [people.chunk(slice(None), slice(None))])
    assert _agree(found, naive_sums(of, people), 1e-13)


def test_copies_of_hard_calls_are_whole_numbers_however_many_scores_there_are() -> None:
    people = cohort(5, 150, _SAMPLES)
    of = weights(6, people, 40)
    found = _sums(open_kernel(of, _SAMPLES, 1), [people.chunk(slice(None), slice(None))])
    assert np.array_equal(found.named_dosage, naive_sums(of, people).named_dosage)


@settings(max_examples=15, deadline=None)
@given(st.data())
@pytest.mark.parametrize("haploid", [False, True], ids=["diploid", "haploid"])
def test_sums_do_not_depend_on_how_variants_samples_and_threads_are_cut(haploid: bool, data: st.DataObject) -> None:
    people = cohort(7, 70, 600, haploid=haploid)
    scores, density = data.draw(st.sampled_from([(1, 1.0), (20, 1.0), (20, 0.1)]))
    of = weights(8, people, scores, density)
    whole = _sums(open_kernel(of, 600, 1), [people.chunk(slice(None), slice(None))])
    first = data.draw(st.integers(0, 599))
    last = data.draw(st.integers(first + 1, 600))
    cuts = sorted({0, 70, *data.draw(st.lists(st.integers(1, 69), max_size=4))})
    chunks = [people.chunk(slice(low, high), slice(first, last)) for low, high in pairwise(cuts)]
    part = _sums(open_kernel(of, last - first, data.draw(st.integers(1, 3))), chunks)
    expected = Sums(
        whole.total[first:last],
        whole.allele_count[first:last],
        whole.denominator[first:last],
        whole.named_dosage[first:last],
    )
    assert _agree(part, expected)
    # A variant is summed in another way where nobody of the range is haploid on it.
    assert haploid or np.array_equal(part.total, expected.total)


def test_chunks_may_come_in_any_order() -> None:
    people = cohort(9, 80, _SAMPLES)
    of = weights(10, people, 5)
    chunks = [people.chunk(slice(start, start + 16), slice(None)) for start in (32, 0, 64, 16, 48)]
    assert _agree(_sums(_open("panels", of, _SAMPLES), chunks), naive_sums(of, people))


def test_a_weight_that_stands_twice_counts_twice() -> None:
    people = cohort(11, 10, 40)
    once = weights(12, people, 1, unfilled=0.0)
    twice = replace(
        once,
        offsets=2 * once.offsets,
        **{name: np.repeat(getattr(once, name), 2) for name in ("column", "weight", "flip", "kind")},
    )
    chunk = people.chunk(slice(None), slice(None))
    for way in ("walked", "panels", "products"):
        doubled = _sums(_open(way, twice, 40), [chunk]).total
        assert _near(doubled, 2 * naive_sums(once, people).total, 1e-6)


def test_without_weights_or_chunks_every_sum_is_zero() -> None:
    people = cohort(13, 10, 9)
    of = weights(14, people, 2)
    nothing = replace(
        of,
        variant_idx=of.variant_idx[:0],
        fill=of.fill[:0],
        offsets=of.offsets[:1],
        column=of.column[:0],
        weight=of.weight[:0],
        flip=of.flip[:0],
        kind=of.kind[:0],
    )
    for kernel in (open_kernel(of, 9, 1), open_kernel(nothing, 9, 1)):
        found = _sums(kernel, [])
        assert found.total.shape == (9, 2)
        assert not found.total.any()
        assert not found.denominator.any()
    assert not _sums(open_kernel(nothing, 9, 1), [people.chunk(slice(None), slice(None))]).total.any()


def test_a_haploid_call_of_alt_is_one_copy_of_one_allele() -> None:
    people = Cohort(np.array([3]), np.array([[2, 2, 0, 3]], np.uint8), np.array([[True, False, True, True]]))
    of = Weights(
        ["a"], np.array([3]), np.array([0.5]), np.array([0, 1]), np.array([0], np.int32), np.array([10.0]),
        np.zeros(1, np.uint8), np.zeros(1, np.uint8), np.zeros(1, np.int32),
    )  # fmt: skip
    found = _sums(open_kernel(of, 4, 1), [people.chunk(slice(None), slice(None))])
    assert found.total[:, 0].tolist() == [10.0, 20.0, 0.0, 2.5]
    assert found.allele_count[:, 0].tolist() == [1, 2, 1, 0]
    assert found.denominator[:, 0].tolist() == [1, 2, 1, 1]
    assert found.named_dosage[:, 0].tolist() == [1.0, 2.0, 0.0, 0.0]
