from __future__ import annotations

import polars as pl
import pytest

from schemas.errors import RefusedError
from tests.support.genotype_stages import ScoredRun
from tests.support.score_rows import rows_of, sheet_of, variants_of
from workers.genomics.genotypes.match_stage import MatchStage, alleles_of, panel_sheet, places_of
from workers.genomics.scores.matcher import Matched, match
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import Target
from workers.pipeline.kinds import ShardTable


def computed(scored: ScoredRun) -> ShardTable:
    context = scored.context("match")
    stage = MatchStage(context, scored.genotypes())
    try:
        return stage.compute(0, context.plan.shard(0))
    finally:
        stage.close()


def test_what_was_committed_is_found_again_byte_by_byte(scored: ScoredRun) -> None:
    made, finished = computed(scored), scored.finished("match")
    assert made.table.equals(finished.all_rows())
    assert {side.key for side in made.side} == {ref.key for ref in finished.side_objects(0)}
    for side in made.side:
        assert finished.store.get(side.key) == side.body


def test_a_file_that_cannot_be_read_is_told_in_its_row_without_the_folder(scored: ScoredRun) -> None:
    rows = {row["score"]: row for row in computed(scored).table.to_pylist()}
    cut = rows["CUT"]
    assert (cut["status"], cut["verdict"], cut["number"], cut["entries_key"]) == ("ok", "unreadable", 3, None)
    assert cut["detail"].startswith("CUT.txt.gz: ")
    assert rows["LOW"]["verdict"] == "low_overlap"
    assert "11.6 % of its 86 variants" in rows["LOW"]["detail"]


def test_the_log_has_every_row_of_every_file_that_was_read(scored: ScoredRun) -> None:
    (key,) = {row["log_key"] for row in computed(scored).table.to_pylist() if row["log_key"]}
    log = pl.read_parquet(scored.root / "out" / key)
    heights = dict(log.group_by("score").len().iter_rows())
    assert heights == {name: table.height for name, table in scored.weights.items()}


def test_genotypes_that_were_replaced_end_the_stage(scored: ScoredRun) -> None:
    context = scored.context("match")
    records = context.plan.shard(0)
    place = records.schema.get_field_index("etag")
    records = records.set_column(place, records.schema.field(place), [["0" * 32] * records.num_rows])
    with pytest.raises(RefusedError, match="were changed since the run began"):
        MatchStage(context, scored.genotypes()).compute(0, records)


def matched(weights: list[list[float]], *rows: str) -> Matched:
    target = Target(variants_of("A>G", "C>T"))
    return match(sheet_of(rows_of(*rows), weights), target, Match())


def test_scores_share_a_digest_where_they_count_the_same_alleles_whatever_their_weights() -> None:
    nan = float("nan")
    (one,) = alleles_of(matched([[1], [2]], "A/G", "T/C"))
    (other,) = alleles_of(matched([[5], [-1]], "A/G", "T/C"))
    (swapped,) = alleles_of(matched([[1], [2]], "G/A", "T/C"))
    both = alleles_of(matched([[3, 1], [nan, 2]], "A/G", "T/C"))
    (first,) = alleles_of(matched([[7]], "A/G"))
    assert one == other == both[1]
    assert one != swapped
    assert both[0] == first != one


PANEL = pl.DataFrame(
    {
        "chrom": ["1", "1", "1"],
        "pos": [2, 1, 9],
        "effect_allele": ["C", "G", "A"],
        "other_allele": ["T", None, "C"],
        "effect_frequency": [0.2, 0.3, 0.4],
    }
)


def test_a_panel_is_matched_as_a_score_and_its_places_keep_its_order() -> None:
    sheet = panel_sheet("net", PANEL, "GRCh38")
    assert (sheet.scores, sheet.build, sheet.weights.tolist()) == (("net",), "GRCh38", [[1.0], [1.0], [1.0]])
    found = match(sheet, Target(variants_of("A>G", "C>T"), build="GRCh38"), Match())
    # Place 0 counts REF of the second variant, place 1 ALT of the first; the third is not there.
    assert places_of(found).rows() == [(1, 0, 0, []), (0, 10, 1, [])]


def test_a_place_that_means_ref_of_several_alts_is_joined_of_all_of_them() -> None:
    panel = PANEL[:1].with_columns(other_allele=pl.lit("T"))
    found = match(panel_sheet("net", panel, "GRCh38"), Target(variants_of("C>T", "C>A", pos=[2, 2])), Match())
    assert found.log["outcome"].to_list() == ["matched"]
    assert places_of(found).rows() == [(0, 0, 1, [10])]
