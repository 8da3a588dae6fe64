from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.support.score_rows import rows_of, variants_of
from workers.genomics.scores.alleles import TYPES
from workers.genomics.scores.choose import NONE, Choice, choose
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import Target


def chosen(
    rows: pl.DataFrame, variants: pl.DataFrame, alt_freq: list[float | None] | None = None, **settings: Any
) -> Choice:
    frequencies = (
        None if alt_freq is None else variants.select("variant_idx").with_columns(alt_freq=pl.Series(alt_freq))
    )
    target = Target(variants, frequencies)
    return choose(rows, target.at_positions(rows), target, Match(**settings))


def test_a_row_takes_the_variant_that_fits_best_of_those_at_its_position() -> None:
    choice = chosen(rows_of("C/T"), variants_of("G>A", "T>C", "C>G", pos=[1, 1, 1]))
    # On the other strand it is G>A too; as it stands it is ALT of T>C.
    assert (choice.place[0], TYPES[choice.rank[0]], choice.matched[0]) == (1, "altref", True)


def test_nothing_at_the_position_and_other_alleles_there_are_two_reasons() -> None:
    choice = chosen(rows_of("A/G", "A/G", pos=[1, 9]), variants_of("C>G"))
    assert choice.reason.tolist() == ["other_alleles", "no_variant"]
    assert choice.place.tolist() == [NONE, NONE]
    assert choice.found.tolist() == [True, False]


def test_the_same_variant_twice_is_none_unless_the_first_is_asked_for() -> None:
    rows, variants = rows_of("G/A"), variants_of("A>G", "A>G", pos=[1, 1])
    dropped, first = chosen(rows, variants), chosen(rows, variants, duplicates="first")
    assert (dropped.matched[0], dropped.reason[0], dropped.place[0]) == (False, "duplicate_target", 0)
    assert (first.matched[0], first.reason[0], first.place[0]) == (True, "", 0)


def test_a_row_without_other_allele_that_means_ref_of_several_alts_is_not_a_duplicate() -> None:
    variants = variants_of("A>G", "A>C", pos=[1, 1])
    choice = chosen(rows_of("A"), variants)
    # The record whose ALT comes first stands for the site, wherever it lies.
    assert (choice.matched[0], TYPES[choice.rank[0]], choice.place[0]) == (True, "ref_no_oa", 1)


@pytest.mark.parametrize(("how", "matched", "reason"), [("drop", False, "ambiguous"), ("keep", True, "ambiguous_kept")])
def test_a_palindromic_snp_is_dropped_or_kept_as_it_stands(how: str, matched: bool, reason: str) -> None:
    choice = chosen(rows_of("T/A", "AT/A"), variants_of("A>T", "A>AT"), ambiguous=how)
    assert (choice.matched[0], choice.reason[0], TYPES[choice.rank[0]]) == (matched, reason, "altref")
    # An indel has a strand.
    assert (choice.matched[1], choice.reason[1], choice.ambiguous.tolist()) == (True, "", [True, False])


@pytest.mark.parametrize(
    ("said", "alt_freq", "kind", "reason"),
    [
        (0.1, 0.2, "altref", "ambiguous_frequency"),  # rare in both
        (0.9, 0.7, "altref", "ambiguous_frequency"),  # common in both
        (0.1, 0.8, "refalt_flip", "ambiguous_frequency"),  # rare here, common there: the other strand
        (0.4, 0.4, "altref", "ambiguous_frequency"),  # the limit is within
        (0.41, 0.1, "altref", "ambiguous_common"),
        (0.1, 0.55, "altref", "ambiguous_common"),
        (None, 0.1, "altref", "ambiguous_no_frequency"),
        (0.1, None, "altref", "ambiguous_no_frequency"),
    ],
)
def test_frequencies_tell_the_strand_where_both_are_far_from_a_half(
    said: float | None, alt_freq: float | None, kind: str, reason: str
) -> None:
    rows = rows_of("T/A", frequency=[said])
    choice = chosen(rows, variants_of("A>T"), [alt_freq], ambiguous="frequency", max_maf=0.4)
    assert (TYPES[choice.rank[0]], choice.reason[0]) == (kind, reason)
    assert choice.matched[0] == (reason == "ambiguous_frequency")


def test_without_frequencies_of_the_cohort_no_strand_is_told() -> None:
    choice = chosen(rows_of("T/A", frequency=[0.1]), variants_of("A>T"), ambiguous="frequency")
    assert choice.reason.tolist() == ["ambiguous_no_frequency"]
