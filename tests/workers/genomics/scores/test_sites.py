from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tests.support.score_rows import rows_of, variants_of
from workers.genomics.scores.choose import Choice, choose
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sites import Sites, find_sites
from workers.genomics.scores.target import Target


def found(rows: pl.DataFrame, variants: pl.DataFrame, by_id: bool = False, **settings: Any) -> tuple[Choice, Sites]:
    target, match = Target(variants), Match(**settings)
    pairs = target.by_ids(rows) if by_id else target.at_positions(rows)
    choice = choose(rows, pairs, target, match)
    return choice, find_sites(choice, rows, np.full(rows.height, by_id), target, match)


def others(sites: Sites) -> list[tuple[int, int]]:
    return list(zip(sites.row.tolist(), sites.place.tolist(), strict=True))


def test_a_row_that_means_ref_has_the_other_alts_of_the_site_and_one_that_means_alt_has_none() -> None:
    variants = variants_of("A>C", "A>G", "A>T", pos=[1, 1, 1])
    choice, sites = found(rows_of("A/G", "G/A", pos=[1, 1]), variants)
    assert choice.place.tolist() == [1, 1]
    assert others(sites) == [(0, 0), (0, 2)]
    assert sites.site.tolist() == [0, 0]


def test_a_variant_with_another_ref_at_the_position_is_another_site() -> None:
    _, sites = found(rows_of("A/G"), variants_of("AT>A", "A>G", pos=[1, 1]))
    assert (others(sites), sites.site.tolist()) == ([], [1])


def test_found_by_id_records_with_ids_of_their_own_are_separate() -> None:
    variants = variants_of("A>C", "A>G", pos=[1, 1])
    assert others(found(rows_of("A/C"), variants, by_id=True)[1]) == []
    shared = variants.with_columns(id=pl.lit("v0"))
    assert others(found(rows_of("A/C"), shared, by_id=True)[1]) == [(0, 1)]


def test_the_star_of_each_record_is_an_allele_of_its_own_and_no_duplicate() -> None:
    variants = variants_of("A>C", "A>*", "A>G", "A>*", pos=[1, 1, 1, 1])
    choice, sites = found(rows_of("A/G", "A/", pos=[1, 1]), variants)
    assert choice.reason.tolist() == ["", ""]
    assert others(sites) == [(0, 1), (0, 3), (0, 0), (1, 1), (1, 3), (1, 2)]


def test_another_alt_that_is_there_twice_is_dropped_with_the_row_or_taken_once() -> None:
    variants = variants_of("A>C", "A>G", "A>G", pos=[1, 1, 1])
    choice, _ = found(rows_of("A/C"), variants)
    assert choice.reason.tolist() == ["duplicate_target"]
    choice, sites = found(rows_of("A/C"), variants, duplicates="first")
    assert (choice.reason.tolist(), others(sites)) == ([""], [(0, 1)])


def test_rows_that_no_longer_count_take_their_other_alts_with_them() -> None:
    sites = Sites(np.array([0, 0]), np.array([0, 0, 1]), np.array([3, 4, 5]))
    kept = sites.of(np.array([False, True]))
    assert (others(kept), kept.site.tolist()) == ([(1, 5)], [0, 0])
