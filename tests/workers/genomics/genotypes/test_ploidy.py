from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from workers.genomics.contract import VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.genotypes.ploidy import Haploid, Ploidy, diploid, is_among
from workers.genomics.kernels.codes import pack

MALE, FEMALE, UNKNOWN = 1, 2, 0


def variants(*places: tuple[str, int]) -> pl.DataFrame:
    rows = [(10 * at, chrom, pos, None, "A", "G") for at, (chrom, pos) in enumerate(places)]
    return pl.DataFrame(rows, schema=VARIANT_SCHEMA, orient="row")


def chunk_of(index: list[int], samples: int, haploid: NDArray[np.bool_] | None = None) -> GenotypeChunk:
    bits = None if haploid is None else np.packbits(haploid, axis=1, bitorder="little")
    calls = np.zeros((len(index), samples), np.int8)
    return GenotypeChunk(np.array(index), samples, pack(calls), None, bits)


def marks(chunk: GenotypeChunk) -> list[list[int]]:
    assert chunk.haploid is not None
    return np.unpackbits(chunk.haploid, axis=1, bitorder="little", count=chunk.samples).tolist()


def test_each_kind_of_chromosome_has_its_variants_and_pseudo_autosomal_ones_have_none() -> None:
    table = variants(("1", 1), ("X", 5_000_000), ("XY", 70_000), ("Y", 9), ("MT", 9), ("X", 6_000_000), ("weird", 1))
    haploid = Haploid(table, None)
    assert (haploid.x.tolist(), haploid.y.tolist(), haploid.mt.tolist()) == ([10, 50], [30], [40])


@pytest.mark.parametrize(
    ("build", "outside"),
    [("GRCh37", [60_000, 2_699_521, 154_931_043, 155_260_561]), ("GRCh38", [10_000, 2_781_480, 155_701_382])],
)
def test_on_x_the_pseudo_autosomal_regions_end_where_the_build_says(build: str, outside: list[int]) -> None:
    inside = {"GRCh37": [60_001, 2_699_520, 154_931_044, 155_260_560], "GRCh38": [10_001, 2_781_479, 155_701_383]}[
        build
    ]
    places = [("X", pos) for pos in (*outside, *inside)]
    assert Haploid(variants(*places), build).x.tolist() == [10 * at for at in range(len(outside))]
    # Without a build nobody knows where they are.
    assert len(Haploid(variants(*places), None).x) == len(places)


def test_men_have_x_once_and_everybody_y_and_mt() -> None:
    haploid = Haploid(variants(("1", 1), ("X", 5), ("Y", 5), ("MT", 5)), None)
    ploidy = Ploidy(haploid, np.array([MALE, FEMALE, UNKNOWN], np.int8), known=True)
    observed = ploidy.observed(chunk_of([0, 10, 20, 30], 3))
    assert marks(observed) == [[0, 0, 0], [1, 0, 0], [1, 1, 1], [1, 1, 1]]
    assert ploidy.has_y.tolist() == [True, False, False]


def test_what_the_source_marks_stays_marked_and_the_chunk_that_was_given_is_not_changed() -> None:
    haploid = Haploid(variants(("1", 1), ("X", 5)), None)
    given = chunk_of([0, 10], 3, np.array([[0, 0, 1], [0, 1, 0]], bool))
    observed = Ploidy(haploid, np.array([MALE, FEMALE, FEMALE], np.int8), known=True).observed(given)
    assert marks(observed) == [[0, 0, 1], [1, 1, 0]]
    assert marks(given) == [[0, 0, 1], [0, 1, 0]]


def test_a_chunk_in_which_everybody_has_two_is_given_back_as_it_is() -> None:
    haploid = Haploid(variants(("1", 1), ("X", 5)), None)
    men, women = np.array([MALE] * 3, np.int8), np.array([FEMALE] * 3, np.int8)
    autosomal, on_x = chunk_of([0], 3), chunk_of([0, 10], 3)
    assert Ploidy(haploid, men, known=True).observed(autosomal) is autosomal
    assert Ploidy(haploid, women, known=True).observed(on_x) is on_x


def test_where_no_sample_says_its_sex_calls_on_y_count_for_all() -> None:
    ploidy = Ploidy(Haploid(variants(("Y", 5)), None), np.zeros(4, np.int8), known=False)
    assert ploidy.has_y.all()
    # In a shard without men of a cohort that knows them, for none.
    assert not Ploidy(ploidy.haploid, np.full(4, FEMALE, np.int8), known=True).has_y.any()


def test_diploid_takes_every_mark_away() -> None:
    marked = chunk_of([0], 2, np.array([[1, 0]], bool))
    assert diploid(marked).haploid is None
    plain = chunk_of([0], 2)
    assert diploid(plain) is plain


def test_membership_is_that_of_numpy() -> None:
    random = np.random.default_rng(1)
    ascending, asked = np.unique(random.integers(0, 50, 20)), random.integers(-5, 60, 40)
    assert (is_among(asked, ascending) == np.isin(asked, ascending)).all()
    assert not is_among(asked, ascending[:0]).any()
    assert is_among(asked[:0], ascending).shape == (0,)
