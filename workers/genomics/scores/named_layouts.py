"""Tables of other programs: their columns by name, and which of them is the effect allele and the weight.

Results of association tests are no scores of their own accord: they are read where `layout.yaml` of the directory names
their layout. Outputs of programs that make scores are known by their columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LOGS = frozenset({"or", "odds_ratio", "hm_odds_ratio", "hr", "hazard_ratio"})
"""Columns of ratios: the weight is the natural logarithm."""


@dataclass(frozen=True)
class NamedLayout:
    """Names of columns in lower case. `roles` by meaning, the first that is there is taken; `weights`: the one that is
    there. `marks`: columns that only such a table has, all of them; `is_score`: it is known by these, unasked."""

    roles: Mapping[str, Sequence[str]]
    weights: Sequence[str]
    marks: Sequence[str]
    is_score: bool = False
    optional: frozenset[str] = field(default=frozenset())


_TEST = {"test": ("test",)}

LAYOUTS: Mapping[str, NamedLayout] = {
    "plink-assoc": NamedLayout(
        {"chrom": ("chr",), "pos": ("bp",), "id": ("snp",), "effect": ("a1",), "other": ("a2",)},
        ("or", "beta"),
        ("chisq", "f_a", "f_u"),
    ),
    "plink-linear": NamedLayout(
        {"chrom": ("chr",), "pos": ("bp",), "id": ("snp",), "effect": ("a1",), "other": ("a2",), **_TEST},
        ("beta", "or"),
        ("test", "nmiss"),
    ),
    "plink2-glm": NamedLayout(
        {
            "chrom": ("chrom",), "pos": ("pos",), "id": ("id",), "effect": ("a1",), "other": ("omitted", "ax"),
            "ref": ("ref",), "alt": ("alt",), "frequency": ("a1_freq",), **_TEST,
        },
        ("beta", "or"),
        ("ref", "alt", "a1", "test"),
    ),
    "saige": NamedLayout(
        {
            "chrom": ("chr",), "pos": ("pos",), "id": ("markerid", "snpid", "rsid"), "effect": ("allele2",),
            "other": ("allele1",), "frequency": ("af_allele2",),
        },
        ("beta",),
        ("allele2", "af_allele2"),
    ),
    "metal": NamedLayout(
        {
            "chrom": ("chromosome", "chr"), "pos": ("position", "pos"), "id": ("markername",), "effect": ("allele1",),
            "other": ("allele2",), "frequency": ("freq1",),
        },
        ("effect",),
        ("markername", "allele1", "p-value"),
    ),
    "regenie": NamedLayout(
        {
            "chrom": ("chrom",), "pos": ("genpos",), "id": ("id",), "effect": ("allele1",), "other": ("allele0",),
            "frequency": ("a1freq",), **_TEST,
        },
        ("beta",),
        ("genpos", "allele0", "allele1", "log10p"),
    ),
    "bolt": NamedLayout(
        {
            "chrom": ("chr",), "pos": ("bp",), "id": ("snp",), "effect": ("allele1",), "other": ("allele0",),
            "frequency": ("a1freq",),
        },
        ("beta",),
        ("bp", "allele0", "allele1", "a1freq"),
    ),
    "gemma": NamedLayout(
        {
            "chrom": ("chr",), "pos": ("ps",), "id": ("rs",), "effect": ("allele1",), "other": ("allele0",),
            "frequency": ("af",),
        },
        ("beta",),
        ("rs", "ps", "allele1"),
    ),
    "fastgwa": NamedLayout(
        {
            "chrom": ("chr",), "pos": ("pos",), "id": ("snp",), "effect": ("a1",), "other": ("a2",),
            "frequency": ("af1",),
        },
        ("beta",),
        ("snp", "a1", "af1"),
    ),
    "cojo": NamedLayout(
        {"id": ("snp",), "effect": ("a1",), "other": ("a2",), "frequency": ("freq",)},
        ("b",),
        ("snp", "a1", "freq", "b", "se"),
    ),
    "gwas-catalog": NamedLayout(
        {
            "chrom": ("hm_chrom", "chromosome"), "pos": ("hm_pos", "base_pair_location"),
            "id": ("hm_rsid", "rsid", "rs_id", "variant_id"), "effect": ("hm_effect_allele", "effect_allele"),
            "other": ("hm_other_allele", "other_allele"),
            "frequency": ("hm_effect_allele_frequency", "effect_allele_frequency"),
        },
        ("hm_beta", "beta", "hm_odds_ratio", "odds_ratio", "hazard_ratio"),
        ("chromosome", "base_pair_location", "effect_allele"),
    ),
    "gwas": NamedLayout(
        {
            "chrom": ("chr", "chrom", "chromosome"), "pos": ("bp", "pos", "position"),
            "id": ("snp", "rsid", "id", "markername", "variant_id"), "effect": ("a1", "effect_allele", "ea"),
            "other": ("a2", "a0", "other_allele", "nea", "oa", "non_effect_allele"),
            "frequency": ("a1_freq", "eaf", "effect_allele_frequency"),
        },
        ("beta", "or", "odds_ratio"),
        ("a1", "p"),
    ),
    "sbayesr": NamedLayout(
        {
            "chrom": ("chrom",), "pos": ("position",), "id": ("name",), "effect": ("a1",), "other": ("a2",),
            "frequency": ("a1frq",),
        },
        ("a1effect",),
        ("name", "a1", "a1effect"),
        is_score=True,
    ),
    "sbayesrc": NamedLayout(
        {"id": ("snp",), "effect": ("a1",)}, ("beta",), ("snp", "a1", "beta", "pip"), is_score=True
    ),
    "ldpred": NamedLayout(
        {"chrom": ("chrom",), "pos": ("pos",), "id": ("sid",), "effect": ("nt1",), "other": ("nt2",)},
        ("ldpred_beta", "ldpred_inf_beta"),
        ("sid", "nt1", "nt2"),
        is_score=True,
    ),
    "ldak": NamedLayout(
        {"id": ("predictor",), "effect": ("a1",), "other": ("a2",)},
        ("effect", "model1"),
        ("predictor", "a1", "centre"),
        is_score=True,
    ),
}  # fmt: skip
"""By the name that `layout.yaml` gives. `gwas` is any table with an effect allele A1 (or so called) and BETA or OR."""

PRS_CS = ("chrom", "id", "pos", "effect", "other")
"""The columns of PRS-CS, which names none; behind them stands the weight."""

ASSOCIATION = frozenset(
    {
        "p", "pval", "p_value", "pvalue", "p.value", "p-value", "p_bolt_lmm", "p_bolt_lmm_inf", "p_wald", "p_lrt",
        "log10p", "neg_log_10_p_value", "chisq", "chi2", "f_a", "f_u", "se", "stderr", "standard_error", "log(or)_se",
        "or", "odds_ratio", "hm_odds_ratio", "hazard_ratio", "stat", "t_stat", "z_stat", "tstat", "zscore", "z",
        "nmiss", "n_miss", "obs_ct", "test", "direction", "af_allele2", "ac_allele2", "hetisq", "ci_lower", "ci_upper",
        "l95", "u95", "errcode", "n", "n_eff", "beta_se",
    }
)  # fmt: skip
"""Columns that tell of an association test and not of a score."""


def known_scores(lower: Sequence[str]) -> str | None:
    """The program that made a table of weights with these columns."""
    return next((name for name, one in LAYOUTS.items() if one.is_score and set(one.marks) <= set(lower)), None)


def likely(lower: Sequence[str]) -> str | None:
    """The first layout of association tests whose marks are all among these columns."""
    return next((name for name, one in LAYOUTS.items() if not one.is_score and set(one.marks) <= set(lower)), None)
