from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from workers.genomics.scores.alleles import RANK, SWAPPED, TYPES, complement, counts_ref, is_flipped, ranks


def fit(effect: str, other: str | None, ref: str, alt: str | None, strand_flips: bool = True) -> str:
    columns = {"effect": effect, "other": other, "ref": ref, "alt": alt}
    pairs = pl.DataFrame({name: [value] for name, value in columns.items()}, schema=dict.fromkeys(columns, pl.String))
    return str(TYPES[ranks(pairs, strand_flips)[0]])


@pytest.mark.parametrize(
    ("effect", "other", "ref", "alt", "expected"),
    [
        ("A", "G", "A", "G", "refalt"),
        ("G", "A", "A", "G", "altref"),
        ("T", "C", "A", "G", "refalt_flip"),
        ("C", "T", "A", "G", "altref_flip"),
        ("A", None, "A", "G", "ref_no_oa"),
        ("G", None, "A", "G", "alt_no_oa"),
        ("T", None, "A", "G", ""),  # without the other allele the strand is not guessed
        ("A", "C", "A", "G", ""),
        ("AC", "A", "AC", "A", "refalt"),
        ("GT", "T", "AC", "A", ""),  # an indel is anchored elsewhere on the other strand
        ("A", "T", "A", "T", "refalt"),  # fits on both strands: as it stands
        ("T", "A", "A", "T", "altref"),
        ("A", "G", "A", None, "ref_alone"),  # a record without ALT says what is not there
        ("G", "A", "A", None, "alt_absent"),
        ("T", "C", "A", None, "ref_alone_flip"),
        ("C", "T", "A", None, "alt_absent_flip"),
        ("A", None, "A", None, "ref_alone"),
        ("G", None, "A", None, "alt_absent"),
        ("T", None, "A", None, ""),  # A on the other strand, or not
        ("C", "G", "A", None, ""),
        ("A", "AT", "A", None, ""),  # A is there whether it is AT without T or not
        ("AT", "A", "A", None, ""),
    ],
)
def test_alleles_fit_in_one_way_or_in_none(
    effect: str, other: str | None, ref: str, alt: str | None, expected: str
) -> None:
    assert fit(effect, other, ref, alt) == expected


def test_the_other_strand_is_looked_at_only_where_the_settings_say_so() -> None:
    assert fit("T", "C", "A", "G", strand_flips=False) == ""
    assert fit("A", "G", "A", "G", strand_flips=False) == "refalt"


def test_an_allele_that_is_no_single_base_has_no_complement() -> None:
    frame = pl.DataFrame({"a": ["A", "C", "G", "T", "AT", "N", None]})
    assert frame.select(complement("a"))["a"].to_list() == ["T", "G", "C", "A", None, None, None]


def test_read_on_the_other_strand_twice_a_match_is_what_it_was_and_once_it_counts_the_other_allele() -> None:
    every = np.arange(1, len(TYPES), dtype=np.uint8)
    assert (SWAPPED[SWAPPED[every]] == every).all()
    assert (counts_ref(SWAPPED[every]) != counts_ref(every)).all()


def test_the_name_of_a_match_says_what_it_counts() -> None:
    rank = np.array([RANK[name] for name in ("refalt", "altref", "refalt_flip", "alt_no_oa", "")], np.uint8)
    assert counts_ref(rank).tolist() == [True, False, True, False, False]
    assert is_flipped(rank).tolist() == [False, False, True, False, False]
