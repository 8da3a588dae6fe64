from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import ModelCard
from workers.genomics.contract import VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.genotypes.answers import Answer
from workers.genomics.genotypes.models import GenotypeModel, settle
from workers.genomics.genotypes.ploidy import Haploid, Ploidy
from workers.genomics.genotypes.scores import Scores, ScoreTaker
from workers.genomics.genotypes.steps import parse_steps
from workers.genomics.kernels.codes import pack
from workers.genomics.scores.log import ENTRY_SCHEMA

MALE, FEMALE = 1, 2
VARIANTS = pl.DataFrame(
    [(at, chrom, 5_000_000, None, "A", "G") for at, chrom in enumerate(["1", "1", "Y"])],
    schema=VARIANT_SCHEMA,
    orient="row",
)
CALLS = [[0, 1, 2, 3], [2, 3, 0, 3], [2, 2, 0, 3]]
"""A row a variant, a column a sample: two men, two women."""
SEX = np.array([MALE, MALE, FEMALE, FEMALE], np.int8)
ALL = {"average": True, "counts": True}


def entries(*rows: tuple[int, int, float]) -> pl.DataFrame:
    """`variant_idx`, whether REF is counted, and the weight."""
    made = [(index, flip, 0, [], index, [weight]) for index, flip, weight in rows]
    return pl.DataFrame(made, schema=ENTRY_SCHEMA, orient="row")


def answer(
    scored: dict[str, pl.DataFrame], low: tuple[str, ...] = (), columns: dict[str, bool] | None = None,
    frequency: float | None = None, groups: dict[str, int] | None = None, why: str | None = None,
) -> Answer:  # fmt: skip
    """What directory of these scores says of the four samples."""
    steps = [{"columns": columns or {"average": False, "counts": False}}]
    names = [*scored, *low]
    fields = tuple(OutputField(name=name, type="float64", meaning="m") for name in names)
    card = settle(ModelCard("pgs", fields, settings={"scores": names}), steps)
    model = GenotypeModel("pgs", Path("."), card, parse_steps(steps))
    parts = [([name], table) for name, table in scored.items()]
    frequencies = None
    if frequency is not None:
        frequencies = VARIANTS.select("variant_idx").with_columns(alt_freq=pl.lit(frequency))
    numbers = {name: at for at, name in enumerate(scored)} if groups is None else groups
    scores = Scores.of(model, parts, frequencies, VARIANTS, numbers, why)
    ploidy = Ploidy(Haploid(VARIANTS, "GRCh38"), SEX, known=True)
    taker = ScoreTaker(scores, ploidy, 4, threads=1, device="cpu")
    packed = pack(np.array(CALLS, np.int8))
    chunk = GenotypeChunk(np.arange(3), 4, packed)
    taker.add(ploidy.observed(chunk))
    return taker.finish()


def column(found: Answer, name: str) -> list[Any]:
    values: list[Any] = found.values[name].to_pylist()
    return values


def test_a_sum_is_copies_by_weights_and_missing_calls_count_what_is_expected() -> None:
    found = answer({"s": entries((0, 0, 1.0), (1, 1, 10.0))}, frequency=0.25)
    # Copies of ALT of the first variant, of REF of the second; a missing call is 0.5 of ALT, 1.5 of REF.
    assert column(found, "s") == [0.0, 1 + 15.0, 2 + 20.0, 0.5 + 15.0]
    assert found.statuses == [Status.OK] * 4


def test_an_average_divides_by_the_alleles_it_rests_on_and_of_none_there_is_none() -> None:
    found = answer({"s": entries((0, 0, 1.0), (1, 1, 10.0))}, columns=ALL)
    assert column(found, "s") == [0.0, 1.0, 22.0, None]
    assert column(found, "s_avg") == [0.0, 0.5, 5.5, None]
    assert column(found, "denom") == [[4], [2], [4], [0]]
    assert column(found, "named_dosage") == [[0.0], [1.0], [4.0], [0.0]]


def test_on_y_men_count_with_one_allele_and_women_not_at_all() -> None:
    found = answer({"s": entries((0, 0, 1.0), (2, 0, 100.0))}, columns=ALL, frequency=0.25)
    assert column(found, "s") == [100.0, 101.0, 2.0, 0.5]
    assert column(found, "allele_ct") == [[3], [3], [2], [0]]
    assert column(found, "denom") == [[3], [3], [2], [2]]


def test_a_score_of_y_alone_is_nothing_for_women() -> None:
    found = answer({"s": entries((2, 0, 100.0))}, columns=ALL, frequency=0.25)
    assert column(found, "s") == [100.0, 100.0, None, None]
    assert column(found, "s_avg") == [100.0, 100.0, None, None]
    # Whether its alleles are asked for changes no score.
    alone = answer({"s": entries((2, 0, 100.0))}, frequency=0.25)
    assert column(alone, "s") == column(found, "s")


def test_a_score_of_too_low_overlap_is_null_and_named_and_the_others_are_scored() -> None:
    found = answer({"s": entries((0, 0, 1.0))}, low=("few",), columns=ALL)
    assert column(found, "few") == column(found, "few_avg") == [None] * 4
    assert column(found, "low_overlap") == [["few"]] * 3 + [["s", "few"]]
    assert column(found, "s") == [0.0, 1.0, 2.0, None]
    assert column(found, "allele_ct") == [[2], [2], [2], [0]]


def test_counts_stand_once_for_scores_with_the_same_alleles() -> None:
    same, other = entries((0, 0, 1.0)), entries((1, 0, 1.0))
    scored = {"a": same, "b": other, "c": same.with_columns(weights=pl.lit([5.0]))}
    found = answer(scored, columns=ALL, groups={"a": 0, "b": 1, "c": 0})
    assert column(found, "c") == [None if value is None else 5 * value for value in column(found, "a")]
    assert column(found, "allele_ct") == [[2, 2], [2, 0], [2, 2], [0, 0]]


def test_a_score_of_which_no_variant_was_called_in_a_sample_is_null_and_named_there_alone() -> None:
    found = answer({"a": entries((0, 0, 1.0)), "b": entries((1, 0, 1.0))})
    assert column(found, "a") == [0.0, 1.0, 2.0, None]
    assert column(found, "b") == [2.0, None, 0.0, None]
    assert column(found, "low_overlap") == [[], ["b"], [], ["a", "b"]]
    assert found.statuses == [Status.OK] * 3 + [Status.LOW_OVERLAP]
    assert found.details == [None] * 3 + ["no variant of any score was called in this sample"]


def test_what_is_filled_in_for_every_call_is_a_score() -> None:
    found = answer({"b": entries((1, 0, 1.0))}, frequency=0.25)
    assert column(found, "b") == [2.0, 0.5, 0.0, 0.5]
    assert found.statuses == [Status.OK] * 4


def test_where_no_score_is_scored_the_first_reason_is_the_samples_detail() -> None:
    found = answer({}, low=("few", "fewer"), groups={}, why="3 % of its 9 variants matched")
    assert found.statuses == [Status.LOW_OVERLAP] * 4
    assert found.values["few"] == [None] * 4
    detail = found.details[0]
    assert detail is not None
    assert detail.endswith("see stages/match/rows. few: 3 % of its 9 variants matched")
