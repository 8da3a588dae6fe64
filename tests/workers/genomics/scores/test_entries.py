from __future__ import annotations

import numpy as np

from tests.support.score_rows import choice_of, rows_of, sheet_of
from workers.genomics.scores.alleles import RANK
from workers.genomics.scores.entries import entries_of
from workers.genomics.scores.log import ENTRY_SCHEMA
from workers.genomics.scores.sites import Sites

ALT, REF = RANK["altref"], RANK["refalt"]
NO = np.zeros(0, np.int64)


def test_rows_of_each_file_are_ordered_by_their_variants_and_those_that_do_not_count_are_left_out() -> None:
    first = sheet_of(rows_of("A", "C", "G"), [[1.0], [2.0], [3.0]])
    second = sheet_of(rows_of("T"), [[4.0, np.nan]], name="t")
    choice = choice_of([2, -1, 0, 1], [ALT, ALT, REF, ALT])
    kind, variant_idx = np.array([1, 0, 0, 2], np.uint8), np.array([10, 20, 30])
    sites = Sites(choice.place, NO, NO)
    one, two = entries_of([first, second], np.array([0, 3, 4]), choice, sites, kind, variant_idx)
    assert one.rows() == [(10, 1, 0, [], 10, [3.0]), (30, 0, 1, [], 30, [1.0])]
    assert two.select("variant_idx", "kind").rows() == [(20, 2)]
    np.testing.assert_array_equal(two["weights"].to_list(), [[4.0, np.nan]])
    assert dict(one.schema) == dict(two.schema) == ENTRY_SCHEMA


def test_a_row_that_means_ref_of_a_site_names_its_other_records() -> None:
    sheet = sheet_of(rows_of("A", "C"), [[0.5], [2.0]])
    choice = choice_of([0, 1], [REF, ALT])
    sites = Sites(np.array([0, 0]), np.array([0]), np.array([1]))
    (entries,) = entries_of([sheet], np.array([0, 2]), choice, sites, np.zeros(2, np.uint8), np.array([7, 8]))
    assert entries.rows() == [
        (7, 1, 0, [8], 7, [0.5]),
        (8, 0, 0, [], 7, [2.0]),
    ]


def test_a_file_of_which_nothing_counts_has_no_entries() -> None:
    sheet = sheet_of(rows_of("A"), [[1.0]])
    choice = choice_of([-1], [0])
    (entries,) = entries_of([sheet], np.array([0, 1]), choice, Sites(NO, NO, NO), np.zeros(1, np.uint8), NO)
    assert (entries.height, dict(entries.schema)) == (0, ENTRY_SCHEMA)
