from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from workers.genomics.contract import VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.genotypes.ploidy import Haploid, Numbers
from workers.genomics.genotypes.qc import QcFacts, SampleQc, header_types
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.kernels.codes import pack

MALE, FEMALE, UNKNOWN = 1, 2, 0


def variants(*chroms: str) -> pl.DataFrame:
    rows = [(at, chrom, 5_000_000 + at, None, "A", "G") for at, chrom in enumerate(chroms)]
    return pl.DataFrame(rows, schema=VARIANT_SCHEMA, orient="row")


def qc_of(
    table: pl.DataFrame, calls: list[list[int]], sex: list[int], alt_freq: list[float | None] | None = None,
    wanted: Numbers | None = None,
) -> dict[str, list[object]]:  # fmt: skip
    """The columns of the samples; a row of `calls` is a variant."""
    frequencies = None if alt_freq is None else table.select("variant_idx").with_columns(alt_freq=pl.Series(alt_freq))
    facts = QcFacts(table, Haploid(table, "GRCh38"), frequencies, wanted)
    taker = SampleQc(facts, np.array(sex, np.int8))
    packed = pack(np.array(calls, np.int8))
    # In two chunks, as readers cut them.
    for part in (slice(0, 1), slice(1, None)):
        taker.add(GenotypeChunk(table["variant_idx"].to_numpy()[part], len(sex), packed[part]))
    return {
        name: list(column) if isinstance(column, list) else column.to_pylist()
        for name, column in taker.columns().items()
    }


def test_call_rate_is_of_all_but_y_and_heterozygosity_of_the_autosomes() -> None:
    table = variants("1", "2", "X", "MT", "Y")
    found = qc_of(table, [[0, 3], [1, 3], [1, 3], [2, 0], [3, 0]], [FEMALE, MALE])
    assert found["call_rate"] == [1.0, 0.25]
    assert found["heterozygosity"] == [0.5, None]


def test_only_the_variants_that_are_read_anyway_are_looked_at() -> None:
    table = variants("1", "1", "1")
    found = qc_of(table, [[3], [1], [0]], [MALE], wanted=np.array([1, 2]))
    assert (found["call_rate"], found["heterozygosity"]) == ([1.0], [0.5])


def test_where_nothing_was_looked_at_there_is_no_figure() -> None:
    found = qc_of(variants("1", "1"), [[0], [0]], [MALE], wanted=np.array([7]))
    assert (found["call_rate"], found["heterozygosity"], found["x_f"]) == ([None], [None], [None])


def f_of(het: int, hom: int, sex: int, missing: int = 0) -> tuple[object, object]:
    """What is found for a single sample on X, where every frequency is a half: half of its calls should be alike."""
    calls = [[1]] * het + [[2]] * hom + [[3]] * missing
    table = variants(*["X"] * len(calls))
    found = qc_of(table, calls, [sex], [0.5] * len(calls))
    return found["x_f"][0], found["sex_check"][0]


@pytest.mark.parametrize(
    ("het", "hom", "sex", "f", "check"),
    [
        (0, 10, MALE, 1.0, "ok"),
        (0, 10, FEMALE, 1.0, "mismatch"),
        (5, 5, FEMALE, 0.0, "ok"),
        (5, 5, MALE, 0.0, "mismatch"),
        (1, 9, MALE, 0.8, "unclear"),  # the limits are unclear
        (4, 6, FEMALE, 0.2, "unclear"),
        (0, 10, UNKNOWN, 1.0, None),
    ],
)
def test_the_sex_is_held_against_x(het: int, hom: int, sex: int, f: float, check: str | None) -> None:
    assert f_of(het, hom, sex) == (f, check)


def test_missing_calls_are_not_expected_to_be_homozygous() -> None:
    # Of 4 called 2 are expected; 3 are: (3 - 2) / (4 - 2).
    assert f_of(1, 3, MALE, missing=6) == (0.5, "unclear")
    assert f_of(0, 0, MALE, missing=4) == (None, None)


def test_a_variant_of_x_that_nobody_has_called_tells_nothing() -> None:
    found = qc_of(variants("X", "X"), [[2, 2], [0, 0]], [MALE, FEMALE], [0.5, None])
    assert found["x_f"] == [1.0, 1.0]


def test_which_columns_there_are_depends_on_x_and_on_counts() -> None:
    def types(qc: str, chroms: tuple[str, ...], counted: bool) -> list[str]:
        source = GenotypesInput.model_validate({"collection": "genotypes", "uri": "u", "format": "bed", "qc": qc})
        return list(header_types(source, variants(*chroms), counted))

    both = ["call_rate", "heterozygosity"]
    assert types("none", ("1", "X"), True) == []
    assert types("scored", ("1",), True) == both
    assert types("all", ("1", "X"), False) == both
    assert types("scored", ("1", "X"), True) == [*both, "x_f", "sex_check"]
