"""The matrix of all scores: its entries, its groups, and copies of REF where there are several ALTs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.score_sites import Sites, score_file
from tests.workers.genomics.kernels.naive import naive_sums
from workers.genomics.contract import Sums
from workers.genomics.scores.files import read_scores
from workers.genomics.scores.log import ENTRY_SCHEMA
from workers.genomics.scores.matcher import match_all
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import Target
from workers.genomics.scores.weights import ScoreWeights, build_weights


def entries(rows: list[tuple[int, int, int, list[int], list[float]]]) -> pl.DataFrame:
    """Each a site of its own."""
    return pl.DataFrame([(*row[:4], row[0], row[4]) for row in rows], schema=ENTRY_SCHEMA, orient="row")


def test_every_weight_of_every_file_is_in_the_matrix_once() -> None:
    nan = float("nan")
    wide = entries([(3, 0, 0, [], [1.0, nan]), (5, 1, 2, [], [0.0, 2.0])])
    single = entries([(1, 1, 0, [], [4.0]), (5, 0, 1, [], [5.0])])
    made = build_weights([(("a", "b"), wide), (("c",), single)], None)
    weights = made.weights
    rows = np.repeat(weights.variant_idx, np.diff(weights.offsets))
    found = zip(rows, weights.column, weights.weight, weights.flip, weights.kind, strict=True)
    assert made.scores == ("a", "b", "c")
    assert [tuple(map(float, entry)) for entry in found] == [
        (1, 2, 4.0, 1, 0),
        (3, 0, 1.0, 0, 0),
        (5, 0, 0.0, 1, 2),
        (5, 1, 2.0, 1, 2),
        (5, 2, 5.0, 0, 1),
    ]
    assert np.isnan(weights.fill).all()
    assert weights.group.tolist() == [0, 1, 2]


def test_a_score_that_is_dropped_leaves_nothing_behind() -> None:
    wide = entries([(3, 0, 0, [], [1.0, float("nan")]), (5, 1, 0, [], [0.0, 2.0])])
    made = build_weights([(("a", "b"), wide), (("c",), entries([(9, 0, 0, [], [1.0])]))], None, drop={"a", "c"})
    assert made.scores == ("b",)
    assert made.weights.variant_idx.tolist() == [5]
    assert made.weights.weight.tolist() == [2.0]


def test_scores_over_the_same_alleles_share_a_group_and_others_do_not() -> None:
    first = entries([(1, 0, 0, [], [1.0, 5.0]), (2, 1, 0, [], [2.0, 6.0])])
    same = entries([(1, 0, 0, [], [9.0]), (2, 1, 0, [], [9.0])])
    turned = entries([(1, 1, 0, [], [9.0]), (2, 1, 0, [], [9.0])])
    made = build_weights([(("a", "b"), first), (("c",), same), (("d",), turned)], None)
    assert made.group.tolist() == [0, 0, 0, 1]


def test_where_counts_are_left_out_the_matrix_is_that_of_the_sums_alone() -> None:
    of_one_site = entries([(1, 0, 0, [], [1.0]), (2, 1, 0, [3], [2.0])]).with_columns(site=pl.lit(1, pl.Int64))
    whole, bare = (build_weights([(("a",), of_one_site)], None, counted=counted) for counted in (True, False))
    assert len(whole.weights.scores) > 1
    assert bare.weights.scores == bare.scores == ("a",)
    assert bare.weights.weight.tolist() == [1.0, 2.0]
    assert bare.records.tolist() == [1, 2, 3]
    assert bare.group.tolist() == [-1]
    assert bare.counting.size == 0


def test_a_large_file_makes_the_matrix_that_its_pieces_make() -> None:
    many = np.arange(2**18 + 5)
    column = pl.Series(np.arange(len(many), dtype=float)).reshape((len(many), 1)).arr.to_list()
    of = pl.DataFrame({"variant_idx": many // 2, "flip": many % 2, "kind": 0, "site": many // 2})
    of = of.with_columns(others=pl.lit([], pl.List(pl.Int64))).select(*list(ENTRY_SCHEMA)[:-1])
    made = build_weights(
        [(("a",), of.with_columns(column.alias("weights")).cast(pl.Schema(ENTRY_SCHEMA)))], None, counted=False
    )
    assert made.weights.weight.tolist() == many.tolist()
    assert made.weights.flip.tolist() == (many % 2).tolist()


def test_a_missing_call_counts_twice_the_frequency_and_nothing_where_there_is_none() -> None:
    frequencies = pl.DataFrame({"variant_idx": [1, 2], "alt_freq": [0.25, None]})
    made = build_weights([(("a",), entries([(1, 0, 0, [], [1.0]), (2, 0, 0, [], [1.0])]))], frequencies)
    assert made.weights.fill[0] == 0.5
    assert np.isnan(made.weights.fill[1])


def scored(sites: Sites, path: Path, frequencies: pl.DataFrame | None) -> tuple[ScoreWeights, Sums]:
    target = Target(sites.variants)
    # What plink2 matches by: effect alleles as they stand.
    found = match_all([read_scores(path)], target, Match(ambiguous="keep", strand_flips=False))
    made = build_weights([(one.scores, one.entries) for one in found], frequencies)
    return made, made.fold(naive_sums(made.weights, sites.joined(made.sites)))


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_ref_are_what_no_alternative_of_the_site_has(seed: int, tmp_path: Path) -> None:
    sites = Sites(seed, 25)
    rows = score_file(tmp_path / "score.tsv", sites, seed)
    _, sums = scored(sites, tmp_path / "score.tsv", sites.frequencies)
    expected = sum(np.outer(sites.copies(site, allele), (x, y)) for site, allele, x, y in rows)
    np.testing.assert_allclose(sums.total, expected, rtol=0, atol=1e-12)
    assert (sums.denominator == 2 * len(sites.alts)).all()
    _, sums = scored(sites, tmp_path / "score.tsv", None)
    named = sum(sites.called(site, allele) for site, allele, _, _ in rows)
    np.testing.assert_allclose(sums.named_dosage[:, 0], named, rtol=0, atol=1e-12)
    called = sum(2 * ~sites.missing[site] for site in {site for site, *_ in rows})
    assert (sums.allele_count[:, 0] == called).all()
    assert (sums.denominator[:, 0] == called).all()


@needs_plink2
def test_sums_over_sites_of_several_alternatives_are_those_of_plink2(tmp_path: Path) -> None:
    sites = Sites(11, 40)
    score_file(tmp_path / "score.tsv", sites, 11)
    sites.vcf(tmp_path / "calls.vcf")
    asked = ["score.tsv", "3", "4", "header-read", "cols=+scoresums,+denom", "--score-col-nums", "5-6"]
    run_plink2(tmp_path, ["--vcf", "calls.vcf", "--score", *asked, "--out", "theirs"])
    theirs = pl.read_csv(tmp_path / "theirs.sscore", separator="\t")
    _, sums = scored(sites, tmp_path / "score.tsv", sites.frequencies)
    np.testing.assert_allclose(sums.total, theirs["one_SUM", "two_SUM"].to_numpy(), rtol=1e-5, atol=1e-6)
    assert (sums.allele_count[:, 0] == theirs["ALLELE_CT"].to_numpy()).all()
    assert (sums.denominator[:, 0] == theirs["DENOM"].to_numpy()).all()
    # plink2 leaves what it filled in out of this sum.
    _, called = scored(sites, tmp_path / "score.tsv", None)
    np.testing.assert_allclose(called.named_dosage[:, 0], theirs["NAMED_ALLELE_DOSAGE_SUM"].to_numpy(), rtol=1e-5)
