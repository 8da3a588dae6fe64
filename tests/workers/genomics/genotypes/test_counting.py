from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.support.genotype_stages import ScoredRun
from workers.genomics.contract import SAMPLE_SCHEMA, VARIANT_SCHEMA
from workers.genomics.genotypes.counting import CountStage, chromosomes, wanted_variants

VARIANTS = pl.DataFrame(
    [
        (at, chrom, pos, None, "A", "G")
        for at, (chrom, pos) in enumerate([("1", 1), ("X", 10_001), ("X", 5_000_000), ("Y", 1)])
    ],
    schema=VARIANT_SCHEMA,
    orient="row",
)


def samples(*sex: int) -> pl.DataFrame:
    return pl.DataFrame(
        [(at, None, f"s{at}", value) for at, value in enumerate(sex)], schema=SAMPLE_SCHEMA, orient="row"
    )


@pytest.mark.parametrize(
    ("build", "sex", "expected"),
    [
        ("GRCh38", (1, 2), ["1", "XY", "X", "Y"]),
        (None, (1, 2), ["1", "X", "X", "Y"]),
        ("GRCh38", (0, 0), ["1", "XY", "X", "MT"]),  # nobody is known to have no Y
        ("GRCh38", (2, 0), ["1", "XY", "X", "Y"]),
    ],
)
def test_a_chromosome_is_named_by_how_many_alleles_who_has(
    build: str | None, sex: tuple[int, ...], expected: list[str]
) -> None:
    assert chromosomes(VARIANTS, build, samples(*sex)).tolist() == expected
    assert VARIANTS["chrom"].to_list() == ["1", "X", "X", "Y"]


def test_men_count_once_on_x_and_alone_on_y_and_everybody_once_on_mt(scored: ScoredRun) -> None:
    context = scored.context("count")
    stage = CountStage(context, scored.genotypes())
    made = stage.compute(0, context.plan.shard(0))
    stage.close()
    assert made.table.equals(scored.finished("count").all_rows())
    (side,) = made.side
    counts = pl.read_parquet(side.body)
    assert made.table["counted"].to_pylist() == [counts.height]
    men = scored.data.sex == 1
    seen = set()
    for row in counts.iter_rows(named=True):
        chrom, calls = scored.data.chrom[row["variant_idx"]], scored.data.calls[row["variant_idx"]]
        alleles = {"1": 2, "X": np.where(men, 1, 2), "Y": np.where(men, 1, 0), "MT": 1}[chrom]
        called = (calls < 3) * alleles
        seen.add(chrom)
        assert row["allele_count"] == called.sum()
        assert row["alt_count"] == (called * np.where(calls < 3, calls, 0)).sum() / 2
        assert row["missing"] == ((calls == 3) & (alleles > 0 if chrom == "Y" else True)).sum()
    assert seen == {"1", "X", "Y", "MT"}


def test_the_variants_of_all_scores_that_are_scored_are_wanted_and_of_no_other(scored: ScoredRun) -> None:
    wanted = wanted_variants(scored.context("count"), scored.genotypes())
    assert wanted is not None
    ids = {name for score in ("A1", "A2", "B") for name in scored.weights[score]["id"]}
    assert wanted.tolist() == sorted(int(name[1:]) for name in ids)
    low = {int(name[1:]) for name in scored.weights["LOW"].filter(scored.weights["LOW"]["pos"] < 5_001_000)["id"]}
    assert low - set(wanted.tolist()), "the score that is hardly found has variants of its own, else nothing is shown"


def test_all_variants_are_wanted_where_quality_is_of_all_or_nothing_was_matched(scored: ScoredRun) -> None:
    assert wanted_variants(scored.context("count"), scored.genotypes(qc="all")) is None
    assert wanted_variants(scored.context("match"), scored.genotypes()) is None


def test_wanted_variants_ascend_and_none_comes_twice(scored: ScoredRun) -> None:
    wanted = wanted_variants(scored.context("predict"), scored.genotypes())
    assert wanted is not None
    assert (np.diff(wanted) > 0).all()
