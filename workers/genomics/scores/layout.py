"""Which column of a scoring file says what."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import SpecError

ROLES: dict[str, tuple[str, ...]] = {
    "hm_chrom": ("hm_chr",),
    "hm_pos": ("hm_pos",),
    "hm_id": ("hm_rsid",),
    "hm_other": ("hm_inferotherallele",),
    "chrom": ("chr_name", "chrom", "chr", "chromosome"),
    "pos": ("chr_position", "pos", "position", "bp", "base_pair_location"),
    "id": ("rsid", "id", "snp", "snpid", "variant_id", "marker", "markername"),
    "effect": ("effect_allele", "a1", "effect", "ea", "allele", "allele1", "alt_effect"),
    "other": ("other_allele", "reference_allele", "a2", "other", "oa", "nea", "non_effect_allele", "allele2", "a0"),
    "frequency": ("allelefrequency_effect", "effect_allele_frequency", "eaf", "freq", "a1_freq"),
    "effect_type": ("effect_type",),
    "is_dominant": ("is_dominant",),
    "is_recessive": ("is_recessive",),
    "is_interaction": ("is_interaction",),
    "is_haplotype": ("is_haplotype",),
    "is_diplotype": ("is_diplotype",),
    "dosage_0": ("dosage_0_weight",),
    "dosage_1": ("dosage_1_weight",),
    "dosage_2": ("dosage_2_weight",),
}
"""Names in lower case by what they mean: those of the PGS Catalog first, then those usual in tables of others."""

WEIGHTS = ("effect_weight", "weight", "beta", "score")
"""Names of the one column of weights."""

_PASSED_OVER = {
    "hm_source", "hm_match_chr", "hm_match_pos", "variant_type", "locus_name", "imputation_method", "or", "hr", "se",
    "variant_description", "inclusion_criteria", "p", "pval", "p_value", "pvalue", "stderr", "standard_error", "n",
    "info", "cm", "fid", "row_nr", "accession", "is_duplicated", "ref", "alt", "chr_id", "z", "t_stat",
}  # fmt: skip
"""Columns that hold no weights although nothing above knows them."""


@dataclass(frozen=True)
class Layout:
    """Where things stand in a row. `roles`: place by what it means; `weights`: places of the columns of weights;
    `names` of the scores where the columns name them, which one column with a usual name does not."""

    width: int
    roles: dict[str, int]
    weights: tuple[int, ...]
    names: tuple[str, ...] | None

    @property
    def harmonised(self) -> bool:
        """Whether there are harmonised positions."""
        return {"hm_chrom", "hm_pos"} <= self.roles.keys()

    @property
    def reported(self) -> bool:
        """Whether there are the author's own positions."""
        return {"chrom", "pos"} <= self.roles.keys()


def read_layout(columns: Sequence[str], where: str) -> Layout:
    """Raises SpecError where the effect allele, the weights, or what finds the variants is missing."""
    lower = [name.strip().strip('"').lstrip("#").lower() for name in columns]
    while lower and not lower[-1]:
        lower.pop()
    roles: dict[str, int] = {}
    for role, names in ROLES.items():
        place = next((lower.index(name) for name in names if name in lower), None)
        if place is not None:
            roles[role] = place
    if "frequency" not in roles:
        found = [i for i, name in enumerate(lower) if name.startswith("allelefrequency_effect")]
        if len(found) == 1:
            roles["frequency"] = found[0]
    if "effect" not in roles:
        raise SpecError(f"{where}: no column effect_allele: it is no scoring file")
    weights, scores = _weights(columns, lower, set(roles.values()))
    if not weights and not any(role.startswith("dosage_") for role in roles):
        raise SpecError(f"{where}: no column effect_weight, nor any other that could hold weights")
    layout = Layout(len(lower), roles, weights, scores)
    if not (layout.harmonised or layout.reported or {"id", "hm_id"} & roles.keys()):
        raise SpecError(f"{where}: neither columns chr_name and chr_position nor a column rsID to find variants by")
    return layout


def headerless(fields: Sequence[str]) -> Layout | None:
    """The layout of `ID A1 weight`, as plink2 --score has it without a header; None if the line is none such."""
    if len(fields) != 3:
        return None
    try:
        float(fields[2])
    except ValueError:
        return None
    return Layout(3, {"id": 0, "effect": 1}, (2,), None)


def _weights(
    columns: Sequence[str], lower: list[str], taken: set[int]
) -> tuple[tuple[int, ...], tuple[str, ...] | None]:
    for name in WEIGHTS:
        if name in lower:
            return (lower.index(name),), None
    rest = [
        i
        for i, name in enumerate(lower)
        if name and i not in taken and name not in _PASSED_OVER and not name.startswith("allelefrequency_effect")
    ]
    return tuple(rest), tuple(columns[i].strip().strip('"') for i in rest)
