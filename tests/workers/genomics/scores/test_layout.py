from __future__ import annotations

import pytest

from schemas.errors import SpecError
from workers.genomics.scores.asked import Asked
from workers.genomics.scores.layout import are_names, headerless, read_layout


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


def test_every_column_that_is_left_is_a_score_of_its_name_where_all_are_asked_for() -> None:
    columns = ["id", "a1", "Height", "p", '"BMI"', "allelefrequency_effect_men", "info"]
    layout = read_layout(columns, "f", Asked(weights="all"))
    assert (layout.weights, layout.names) == ((2, 4), ("Height", "BMI"))
    one = read_layout(columns, "f", Asked(weights=("BMI",)))
    assert (one.weights, one.names) == ((4,), ("BMI",))
    with pytest.raises(SpecError, match=r"^f: layout.yaml asks for weights 'bmi', and it has no such column"):
        read_layout(columns, "f", Asked(weights=("bmi",)))


@pytest.mark.parametrize("columns", [["id", "a1", "Height", "BMI"], ["rsid", "effect_allele", "prs"]])
def test_columns_that_mean_nothing_known_are_no_weights_unless_somebody_says_so(columns: list[str]) -> None:
    with pytest.raises(SpecError, match=rf"does not say which column holds its weights \(is it {columns[2]}"):
        read_layout(columns, "f")


def test_of_two_usual_names_neither_is_taken() -> None:
    with pytest.raises(SpecError, match=r"is it weight, beta\?"):
        read_layout(["id", "a1", "beta", "weight"], "f")


ASSOCIATIONS = {
    "plink-assoc": "CHR SNP BP A1 F_A F_U A2 CHISQ P OR",
    "plink-linear": "CHR SNP BP A1 TEST NMISS BETA STAT P",
    "plink2-glm": "#CHROM POS ID REF ALT A1 TEST OBS_CT BETA SE T_STAT P ERRCODE",
    "saige": "CHR POS MarkerID Allele1 Allele2 AC_Allele2 AF_Allele2 MissingRate BETA SE Tstat var p.value",
    "metal": "MarkerName Allele1 Allele2 Freq1 Effect StdErr P-value Direction",
    "regenie": "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA",
    "bolt": "SNP CHR BP GENPOS ALLELE1 ALLELE0 A1FREQ F_MISS BETA SE P_BOLT_LMM_INF",
    "gemma": "chr rs ps n_miss allele1 allele0 af beta se logl_H1 l_remle p_wald",
    "fastgwa": "CHR SNP POS A1 A2 N AF1 BETA SE P",
    "cojo": "SNP A1 A2 freq b se p N",
    "gwas-catalog": "chromosome base_pair_location effect_allele other_allele odds_ratio standard_error p_value",
    "gwas": "CHR BP SNP A1 A2 N SE P OR INFO MAF",
}


@pytest.mark.parametrize("name", ASSOCIATIONS)
def test_a_table_of_associations_is_refused_with_what_to_do_and_read_where_its_layout_is_named(name: str) -> None:
    columns = ASSOCIATIONS[name].split()
    with pytest.raises(SpecError, match=rf"columns of an association test .* with layout: {name};"):
        read_layout(columns, "f")
    layout = read_layout(columns, "f", Asked(layout=name))
    weight = columns[layout.weights[0]].lower()
    assert weight in ("beta", "or", "b", "effect", "odds_ratio")
    assert layout.logs == (weight in ("or", "odds_ratio"))
    effect = {"saige": "allele2", "metal": "allele1", "regenie": "allele1", "bolt": "allele1", "gemma": "allele1"}
    assert columns[layout.roles["effect"]].lower() in (effect.get(name, "a1"), "effect_allele")


def test_a_named_layout_whose_weights_may_be_two_columns_asks_which() -> None:
    columns = ["SNP", "A1", "BETA", "OR", "P"]
    with pytest.raises(SpecError, match=r"it has beta or or: name one of them, as weights: \[beta\]"):
        read_layout(columns, "f", Asked(layout="gwas"))
    layout = read_layout(columns, "f", Asked(layout="gwas", weights=("OR",)))
    assert (layout.weights, layout.names, layout.logs) == ((3,), None, True)


@pytest.mark.parametrize(
    ("columns", "weight"),
    [
        ("Id Name Chrom Position A1 A2 A1Frq A1Effect SE PIP LastSampleEff", "A1Effect"),
        ("SNP A1 BETA PIP", "BETA"),
        ("chrom pos sid nt1 nt2 raw_beta ldpred_beta", "ldpred_beta"),
        ("Predictor A1 A2 Centre Model1", "Model1"),
        ("chr pos rsid a0 a1 beta", "beta"),
        (
            "rsID chr_name chr_position effect_allele other_allele effect_weight OR allelefrequency_effect",
            "effect_weight",
        ),
    ],
)
def test_what_programs_that_make_scores_write_is_read_as_it_is(columns: str, weight: str) -> None:
    layout = read_layout(columns.split(), "f")
    assert (columns.split()[layout.weights[0]], layout.names, layout.logs) == (weight, None, False)


def test_a_line_with_a_hash_names_columns_where_two_are_known() -> None:
    assert are_names(["CHROM", "POS", "ID", "A1", "OR"])
    assert not are_names(["trait_reported", "height"])


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
        (["rsid", "effect_allele", "locus_name"], "f: no column effect_weight"),
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
    of_prs_cs = headerless(["1", "rs1", "5", "A", "G", "1e-5"])
    assert of_prs_cs is not None
    assert of_prs_cs.roles == {"chrom": 0, "id": 1, "pos": 2, "effect": 3, "other": 4}
    assert of_prs_cs.weights == (5,)
    assert headerless(["rs1", "A", "1", "2"]) is None
