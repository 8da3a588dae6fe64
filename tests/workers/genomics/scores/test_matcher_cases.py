"""Every planted case, as a folder: variants of the genotypes, a scoring file, and what the match log must say of it.

`expected.tsv` was written by hand from the rules of docs/scores.md.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.support.score_cases import read_variants
from workers.genomics.scores.files import read_scores
from workers.genomics.scores.matcher import Matched, match
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import Target

CASES = sorted((Path(__file__).parents[3] / "cases" / "scores").iterdir())
COLUMNS = ["row_nr", "outcome", "match_type", "reason", "id", "effect_is_ref", "alts"]


def matched(case: Path) -> Matched:
    settings = yaml.safe_load((case / "settings.yaml").read_text())
    variants, frequencies = read_variants(case / "variants.tsv")
    sheet = read_scores(case / "score.txt", settings["build"])
    target = Target(variants, frequencies, settings["build"])
    return match(sheet, target, Match.model_validate(settings["match"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_log_says_of_every_row_what_happened_to_it(case: Path) -> None:
    expected = pl.read_csv(case / "expected.tsv", separator="\t", infer_schema=False)
    log = matched(case).log.select(pl.col(COLUMNS).cast(pl.String))
    assert log.rows() == expected.rows()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_summary_adds_up_to_the_log(case: Path) -> None:
    found = matched(case)
    (summary,) = found.summary.to_dicts()
    counts = dict(found.log["outcome"].value_counts().iter_rows())
    assert {name: summary[name] for name in ("matched", "excluded", "unmatched")} == {
        name: counts.get(name, 0) for name in ("matched", "excluded", "unmatched")
    }
    assert summary["n_variants"] == found.log.height
    assert found.entries.height == summary["matched"]


def test_the_order_of_alternatives_at_a_site_changes_nothing_that_counts() -> None:
    first, second = (
        matched(case) for case in CASES if case.name.startswith("multi_allelic") and "not" not in case.name
    )
    columns = ["row_nr", "outcome", "match_type", "id", "ref", "alt", "effect_is_ref", "alts"]
    assert first.log.select(columns).rows() == second.log.select(columns).rows()
    assert first.summary.rows() == second.summary.rows()


def test_a_file_of_another_build_is_refused_and_both_builds_are_named() -> None:
    (summary,) = matched(next(case for case in CASES if case.name == "wrong_build")).summary.to_dicts()
    assert (summary["status"], summary["matched"], summary["overlap"]) == ("low_overlap", 0, 0.0)
    assert "GRCh37" in summary["detail"]
    assert "GRCh38" in summary["detail"]
    assert "50.0 % of its positions match" in summary["detail"]
