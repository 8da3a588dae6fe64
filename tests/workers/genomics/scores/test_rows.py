from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from workers.genomics.scores.asked import Asked
from workers.genomics.scores.layout import read_layout
from workers.genomics.scores.rows import normal_rows
from workers.genomics.scores.text import text_frame

_FOUND = ("chrom", "pos")


def row(columns: str, fields: str) -> dict[str, Any]:
    """One row in normal form; `columns` beside id and effect allele, and its `fields`."""
    names = ["id", "a1", *columns.split()]
    line = "\t".join(["rs1", "A", *fields.split()])
    layout = read_layout(names, "f")
    places = _FOUND if layout.reported else None
    rows, _ = normal_rows(text_frame(line.encode(), len(names), b"\t"), layout, places, 0)
    return rows.row(0, named=True)


@pytest.mark.parametrize(
    ("columns", "fields", "excluded"),
    [
        ("weight", "0.5", None),
        ("weight", "inf", "bad_weight"),
        ("weight", "half", "bad_weight"),
        ("weight", "NA", "no_weight"),
        ("weight a2", "1 A", "same_alleles"),
        ("weight a2", "1 a", "same_alleles"),
        ("weight is_haplotype", "1 True", "haplotype"),
        ("weight is_diplotype is_haplotype", "1 1 1", "diplotype"),
        ("weight is_interaction", "x yes", "interaction"),
        ("weight dosage_1_weight", "1 0.2", "dosage_weights"),
        ("weight dosage_1_weight", "1 NA", None),
        ("weight effect_type", "1 overdominant", "effect_type"),
        ("weight is_dominant is_recessive", "1 t t", "effect_type"),
        ("weight effect_type is_recessive", "1 dominant true", "effect_type"),
        ("weight", "1 more", "bad_row"),
        ("weight", "x more", "bad_row"),
    ],
)
def test_the_first_thing_that_keeps_a_row_from_counting_is_named(columns: str, fields: str, excluded: str) -> None:
    assert row(columns, fields)["excluded"] == excluded


@pytest.mark.parametrize(
    ("columns", "fields", "kind"),
    [
        ("weight", "1", 0),
        ("weight is_dominant", "1 TRUE", 1),
        ("weight is_recessive", "1 1", 2),
        ("weight is_dominant", "1 False", 0),
        ("weight effect_type", "1 Recessive", 2),
        ("weight effect_type is_dominant", "1 dominant 1", 1),
        ("weight effect_type", "1 NA", 0),
    ],
)
def test_a_row_is_additive_unless_it_says_otherwise(columns: str, fields: str, kind: int) -> None:
    found = row(columns, fields)
    assert (found["kind"], found["excluded"]) == (kind, None)


@pytest.mark.parametrize(
    ("said", "pos"),
    [
        ("10", 10),
        ("10.0", 10),
        ("10.5", None),
        ("-1", None),
        ("1e5", 100_000),
        ("1e+05", 100_000),
        ("1.5E3", 1500),
        ("1.55e1", None),
        ("1e99", None),
        ("NA", None),
    ],
)
def test_a_position_is_a_whole_number_however_it_was_written(said: str, pos: int | None) -> None:
    found = row("weight chr pos", f"1 chr23 {said}")
    assert (found["chrom"], found["pos"]) == ("X", pos)


@pytest.mark.parametrize(("said", "frequency"), [("0", 0.0), ("1", 1.0), ("1.2", None), ("-0.1", None), ("x", None)])
def test_a_frequency_outside_of_0_and_1_is_none(said: str, frequency: float | None) -> None:
    assert row("weight eaf", f"1 {said}")["frequency"] == frequency


@pytest.mark.parametrize(("given", "inferred", "other"), [("NA", "c", "C"), ("NA", "C/T", None), ("g", "C", "G")])
def test_the_other_allele_is_the_authors_else_the_one_that_was_inferred(
    given: str, inferred: str, other: str | None
) -> None:
    assert row("weight a2 hm_inferOtherAllele", f"1 {given} {inferred}")["other"] == other


def test_an_allele_that_is_none_leaves_the_row_without_one() -> None:
    names = ["id", "a1", "weight"]
    frame = text_frame(b"rs1\tA G\t1\nrs2\t.\t1\nrs3\t<DEL>\t1", 3, b"\t")
    rows, _ = normal_rows(frame, read_layout(names, "f"), None, 7)
    assert rows.select("row_nr", "effect", "excluded").rows() == [
        (7, None, "no_effect_allele"),
        (8, None, "no_effect_allele"),
        (9, "<DEL>", None),
    ]


def test_of_many_scores_one_wrong_weight_excludes_the_row_and_one_missing_does_not() -> None:
    layout = read_layout(["id", "a1", "height", "bmi"], "f", Asked(weights="all"))
    rows, weights = normal_rows(text_frame(b"r\tA\t1\tNA\nr\tA\t1\tinf\nr\tA\t.\t", 4, b"\t"), layout, None, 0)
    assert rows["excluded"].to_list() == [None, "bad_weight", "no_weight"]
    np.testing.assert_array_equal(weights, [[1, np.nan], [1, np.nan], [np.nan, np.nan]])


def test_of_no_rows_there_are_none() -> None:
    layout = read_layout(["id", "a1", "weight"], "f")
    schema = {"0": pl.String, "1": pl.String, "2": pl.String, "_extra": pl.Boolean}
    rows, weights = normal_rows(pl.DataFrame(schema=schema), layout, None, 0)
    assert (rows.height, weights.shape) == (0, (0, 1))
