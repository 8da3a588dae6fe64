from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tests.support.score_rows import rows_of, sheet_of, variants_of
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sheet import ScoreSheet
from workers.genomics.scores.summary import Fates, summarise
from workers.genomics.scores.target import Target


def fates(matched: str, **more: str) -> Fates:
    """A digit a row: whether it is matched; `unmatched`, `ambiguous`, `flipped` and `found` in the same way."""
    given = {"unmatched": "0" * len(matched), "ambiguous": "0" * len(matched), "flipped": "0" * len(matched)}
    given |= {"found": matched, **more}
    return Fates(*(np.array([digit == "1" for digit in text], bool) for text in (matched, *given.values())))


def told(sheet: ScoreSheet, of: Fates, min_overlap: float = 0.5, refused: bool = False) -> list[dict[str, Any]]:
    target = Target(variants_of("A>G"), build="GRCh38")
    return summarise(sheet, of, target, Match(min_overlap=min_overlap), refused).to_dicts()


def test_every_row_is_matched_excluded_or_unmatched() -> None:
    of = fates("11000", unmatched="00010", ambiguous="01100", flipped="10100", found="11100")
    (row,) = told(sheet_of(rows_of(*"AAAAA")), of, 0.4)
    counts = ("n_variants", "matched", "excluded", "unmatched", "ambiguous", "flipped")
    assert [row[name] for name in counts] == [5, 2, 2, 1, 2, 1]
    assert (row["overlap"], row["position_overlap"], row["status"], row["detail"]) == (0.4, 0.6, "ok", None)


def test_too_little_of_a_score_is_low_overlap_and_the_positions_say_whether_the_build_is_to_blame() -> None:
    (row,) = told(sheet_of(rows_of(*"AAAA"), build="GRCh37"), fates("1000"))
    assert row["status"] == "low_overlap"
    assert row["detail"] == (
        "25.0 % of its 4 variants matched, less than 50 %: 25.0 % of its positions match; the genotypes are said "
        "to be GRCh38, the file of GRCh37"
    )


def test_of_a_table_of_many_scores_a_row_counts_for_those_that_it_has_a_weight_of() -> None:
    sheet = sheet_of(rows_of(*"AAA"), [[1, np.nan], [1, np.nan], [1, np.nan]])
    first, second = told(sheet, fates("110"))
    assert (first["score"], first["n_variants"], first["matched"], first["status"]) == ("s0", 3, 2, "ok")
    assert (second["n_variants"], second["overlap"], second["status"]) == (0, 0.0, "low_overlap")
    assert second["detail"] == "it has no variants"


def test_a_row_of_a_single_score_counts_though_it_has_no_weight() -> None:
    (row,) = told(sheet_of(rows_of(*"AA"), [[1.0], [np.nan]]), fates("10"))
    assert (row["n_variants"], row["matched"], row["excluded"]) == (2, 1, 1)


def test_a_file_of_another_build_is_not_used_however_much_of_it_is_found() -> None:
    (row,) = told(sheet_of(rows_of(*"AA"), build="GRCh37"), fates("11"), refused=True)
    assert row["status"] == "low_overlap"
    assert row["detail"].startswith("it is of another build and is not used: 100.0 % of its positions match")


def test_a_file_without_positions_is_told_by_its_ids() -> None:
    (row,) = told(sheet_of(rows_of(*"AA"), has_positions=False), fates("00"))
    assert row["detail"].endswith("less than 50 %: 0.0 % of its ids are known")


def test_an_empty_file_has_no_overlap_with_anything() -> None:
    (row,) = told(sheet_of(pl.DataFrame(rows_of().clear())), fates(""), min_overlap=0)
    assert (row["overlap"], row["position_overlap"], row["status"]) == (0.0, 0.0, "low_overlap")


def test_what_keeps_most_rows_from_counting_is_named() -> None:
    reasons = np.array([None, *["ambiguous"] * 3, *["no_variant"] * 2, "no_id"], object)
    (row,) = told(sheet_of(rows_of(*"AAAAAAA")), replace(fates("1000000"), reason=reasons))
    assert "less than 50 %: ambiguous 3; no_variant 2; no_id 1; 14.3 % of its positions match" in row["detail"]
