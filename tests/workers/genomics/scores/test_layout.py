from __future__ import annotations

import pytest

from schemas.errors import SpecError
from workers.genomics.scores.layout import headerless, read_layout


def test_names_are_known_in_any_case_with_hash_and_quotes() -> None:
    layout = read_layout(['"#CHROM"', "Pos", "SNP", "A1", "A2", "BETA"], "f")
    assert layout.roles == {"chrom": 0, "pos": 1, "id": 2, "effect": 3, "other": 4}
    assert (layout.weights, layout.names) == ((5,), None)
    assert (layout.reported, layout.harmonised) == (True, False)


def test_the_name_of_the_catalog_is_taken_before_one_that_others_use() -> None:
    layout = read_layout(["a1", "effect_allele", "chr_name", "chr", "chr_position", "beta", "effect_weight"], "f")
    assert layout.roles["effect"] == 1
    assert layout.roles["chrom"] == 2
    assert (layout.weights, layout.names) == ((6,), None)


def test_every_column_that_is_left_is_a_score_of_its_name() -> None:
    layout = read_layout(["id", "a1", "Height", "p", '"BMI"', "allelefrequency_effect_men", "info"], "f")
    assert (layout.weights, layout.names) == ((2, 4), ("Height", "BMI"))


def test_a_frequency_by_another_name_is_taken_where_there_is_one_alone() -> None:
    one = read_layout(["id", "a1", "weight", "alleleFrequency_effect_Europe"], "f")
    two = read_layout(["id", "a1", "weight", "alleleFrequency_effect_Europe", "alleleFrequency_effect_Asia"], "f")
    assert one.roles["frequency"] == 3
    assert "frequency" not in two.roles


def test_names_that_are_empty_at_the_end_are_no_columns() -> None:
    assert read_layout(["id", "a1", "weight", "", ""], "f").width == 3


def test_weights_by_dosage_are_read_though_no_other_weight_is_there() -> None:
    layout = read_layout(["id", "a1", "dosage_0_weight", "dosage_1_weight", "dosage_2_weight"], "f")
    assert (layout.weights, layout.names) == ((), ())


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        (["rsid", "weight"], "f: no column effect_allele"),
        (["rsid", "effect_allele", "p"], "f: no column effect_weight"),
        (["effect_allele", "effect_weight", "chr_name"], "f: neither columns chr_name and chr_position nor"),
        ([], "f: no column effect_allele"),
    ],
)
def test_what_is_lacking_is_named(columns: list[str], lacking: str) -> None:
    with pytest.raises(SpecError, match=f"^{lacking}"):
        read_layout(columns, "f")


def test_three_fields_that_end_in_a_number_are_rows_without_a_header() -> None:
    layout = headerless(["rs1", "A", "-1e-3"])
    assert layout is not None
    assert (layout.width, layout.roles, layout.weights) == (3, {"id": 0, "effect": 1}, (2,))
    assert headerless(["ID", "A1", "BETA"]) is None
    assert headerless(["rs1", "A", "1", "2"]) is None
