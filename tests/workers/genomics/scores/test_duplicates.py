from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.score_rows import choice_of
from workers.genomics.scores.alleles import RANK
from workers.genomics.scores.duplicates import settle
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sites import Sites

ALT, REF = RANK["altref"], RANK["refalt"]
NO = np.zeros(0, np.int64)


def settled(
    place: list[int],
    weights: list[Any],
    rank: list[int] | None = None,
    kind: list[int] | None = None,
    file: list[int] | None = None,
    sites: Sites | None = None,
    **settings: Any,
) -> list[str]:
    """The reason of each row after it."""
    choice = choice_of(place, rank or [ALT] * len(place))
    files = np.array(file or [0] * len(place))
    values = np.array(weights, float).reshape(len(place), -1)
    by_file = [values[files == number] for number in range(files.max() + 1)]
    kinds = np.array(kind or [0] * len(place), np.uint8)
    settle(choice, files, kinds, by_file, sites or Sites(np.array(place), NO, NO), Match(**settings))
    return [str(reason) for reason in choice.reason]


def test_the_same_row_twice_counts_once() -> None:
    assert settled([3, 3, 4], [0.5, 0.5, 0.5]) == ["", "duplicate_row", ""]


@pytest.mark.parametrize(
    "differing",
    [{"weights": [0.5, 0.6]}, {"weights": [1, 1], "kind": [0, 1]}, {"weights": [1, 1], "rank": [ALT, REF]}],
    ids=["weight", "kind", "allele"],
)
def test_rows_of_one_variant_that_do_not_agree_are_all_out_or_the_first_counts(differing: dict[str, Any]) -> None:
    assert settled([3, 3], **differing) == ["duplicate_weights"] * 2
    assert settled([3, 3], **differing, duplicates="first") == ["", "duplicate_row"]


def test_rows_of_other_files_are_no_duplicates() -> None:
    assert settled([3, 3], [0.5, 0.6], file=[0, 1]) == ["", ""]


def test_rows_of_many_scores_that_have_none_in_common_all_count() -> None:
    assert settled([3, 3], [[0.5, np.nan], [np.nan, 0.6]]) == ["", ""]
    assert settled([3, 3], [[0.5, 1], [np.nan, 0.6]]) == ["duplicate_weights"] * 2
    assert settled([3, 3], [[0.5, np.nan], [0.5, np.nan]]) == ["", "duplicate_row"]


def test_ref_and_an_alt_of_a_site_with_several_are_two_alleles() -> None:
    # Row 0 means REF: of the site, whose other ALT is at place 4.
    sites = Sites(np.array([3, 3]), np.array([0]), np.array([4]))
    assert settled([3, 3], [0.5, 0.6], rank=[REF, ALT], sites=sites) == ["", ""]


def test_ref_of_a_site_is_one_allele_whichever_record_stands_for_it() -> None:
    sites = Sites(np.array([3, 3]), np.array([0, 1]), np.array([4, 3]))
    assert settled([3, 4], [0.5, 0.6], rank=[REF, REF], sites=sites) == ["duplicate_weights"] * 2
