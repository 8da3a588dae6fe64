"""Which column of a scoring file says what."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import SpecError
from workers.genomics.scores.asked import LAYOUT_FILE, NOTHING, Asked
from workers.genomics.scores.named_layouts import ASSOCIATION, LAYOUTS, LOGS, PRS_CS, known_scores, likely

ROLES: dict[str, tuple[str, ...]] = {
    "hm_chrom": ("hm_chr",),
    "hm_pos": ("hm_pos",),
    "hm_id": ("hm_rsid",),
    "hm_other": ("hm_inferotherallele",),
    "chrom": ("chr_name", "chrom", "chr", "chromosome"),
    "pos": ("chr_position", "pos", "position", "bp", "base_pair_location"),
    "id": ("rsid", "id", "snp", "snpid", "variant_id", "marker", "markername"),
    "effect": ("effect_allele", "a1", "ea", "allele", "alt_effect"),
    "other": ("other_allele", "reference_allele", "a2", "oa", "nea", "non_effect_allele", "a0"),
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
"""Names in lower case by what they mean: those of the PGS Catalog first, then those usual in tables of others. Allele1
is the effect allele of some programs and the other one of others, so it is neither."""

SCORE_WEIGHT = "effect_weight"
"""The name of the weights of the PGS Catalog: a table that has it is a score, whatever else is in it."""

WEIGHTS = ("weight", "beta", "score")
"""Other names of the one column of weights, of a table that tells of no association test."""

_PASSED_OVER = {
    "hm_source", "hm_match_chr", "hm_match_pos", "variant_type", "locus_name", "imputation_method", "or", "hr", "se",
    "variant_description", "inclusion_criteria", "p", "pval", "p_value", "pvalue", "stderr", "standard_error", "n",
    "info", "cm", "fid", "row_nr", "accession", "is_duplicated", "ref", "alt", "chr_id", "z", "t_stat", "maf", "pip",
    "allele1", "allele2", "allele0", "raf", "af", "freq1", "missingrate", "genpos", "centre", "_",
}  # fmt: skip
"""Columns that hold no weights although nothing above knows them."""


_KNOWN = frozenset(
    [name for names in ROLES.values() for name in names]
    + [name for one in LAYOUTS.values() for names in one.roles.values() for name in names]
    + [name for one in LAYOUTS.values() for name in (*one.marks, *one.weights)]
    + [SCORE_WEIGHT, *WEIGHTS]
)
_SHOWN = 6
_FEWEST = 2
"""Known names that make a line one of names"""


@dataclass(frozen=True)
class Layout:
    """Where things stand in a row. `roles`: place by what it means; `weights`: places of the columns of weights;
    `names` of the scores where the columns name them, which one column with a usual name does not. `logs`: the weights
    are the logarithms of what stands there."""

    width: int
    roles: dict[str, int]
    weights: tuple[int, ...]
    names: tuple[str, ...] | None
    logs: bool = False

    @property
    def harmonised(self) -> bool:
        """Whether there are harmonised positions."""
        return {"hm_chrom", "hm_pos"} <= self.roles.keys()

    @property
    def reported(self) -> bool:
        """Whether there are the author's own positions."""
        return {"chrom", "pos"} <= self.roles.keys()


def read_layout(columns: Sequence[str], where: str, asked: Asked = NOTHING) -> Layout:
    """Raises SpecError where the effect allele, the weights, or what finds the variants is missing, and where the table
    does not say that it is a score and nobody asks for it as one."""
    lower = lower_names(columns)
    layout = _named(columns, lower, where, asked) or _plain(columns, lower, where, asked)
    if not (layout.harmonised or layout.reported or {"id", "hm_id"} & layout.roles.keys()):
        raise SpecError(f"{where}: neither columns chr_name and chr_position nor a column rsID to find variants by")
    return layout


def lower_names(columns: Sequence[str]) -> list[str]:
    """Names in lower case, without `#` and quotes, and without empty ones at the end."""
    lower = [name.strip().strip('"').lstrip("#").lower() for name in columns]
    while lower and not lower[-1]:
        lower.pop()
    return lower


def are_names(columns: Sequence[str]) -> bool:
    """Whether a line that may be a comment names columns."""
    return sum(name in _KNOWN for name in set(lower_names(columns))) >= _FEWEST


def _named(columns: Sequence[str], lower: list[str], where: str, asked: Asked) -> Layout | None:
    """By a layout that is asked for, or of a program that makes scores; None where there is neither."""
    name = asked.layout or (None if asked.weights or SCORE_WEIGHT in lower else known_scores(lower))
    if name is None:
        return None
    named = LAYOUTS[name]
    roles: dict[str, int] = {}
    for role, names in named.roles.items():
        place = next((lower.index(one) for one in names if one in lower), None)
        if place is not None:
            roles[role] = place
    if "effect" not in roles:
        raise SpecError(
            f"{where}: layout {name} has its effect alleles in {_or(named.roles['effect'])}: no such column"
        )
    if asked.weights is not None:
        weights, scores = _asked_weights(columns, lower, roles, where, asked)
        weighed = {lower[place] for place in weights}
        if weighed & LOGS and not weighed <= LOGS:
            raise SpecError(f"{where}: {LAYOUT_FILE} asks for ratios and for other weights together: ask for either")
        return Layout(len(lower), roles, weights, scores if len(weights) > 1 else None, bool(weighed & LOGS))
    there = [one for one in named.weights if one in lower]
    if len(there) != 1:
        found = f"{_or(there)}: name one of them, as weights: [{there[0]}]," if there else "none of them: correct it"
        raise SpecError(
            f"{where}: layout {name} has its weights in {_or(named.weights)}, and it has {found} in {LAYOUT_FILE}"
        )
    return Layout(len(lower), roles, (lower.index(there[0]),), None, there[0] in LOGS)


def _plain(columns: Sequence[str], lower: list[str], where: str, asked: Asked) -> Layout:
    """By names that say what they mean."""
    roles: dict[str, int] = {}
    for role, names in ROLES.items():
        place = next((lower.index(name) for name in names if name in lower), None)
        if place is not None:
            roles[role] = place
    if "frequency" not in roles:
        found = [i for i, name in enumerate(lower) if name.startswith("allelefrequency_effect")]
        if len(found) == 1:
            roles["frequency"] = found[0]
    tests = [name for name in lower if name in ASSOCIATION]
    is_dosed = any(role.startswith("dosage_") for role in roles)
    if tests and asked.weights is None and SCORE_WEIGHT not in lower and not is_dosed:
        raise SpecError(_refusal(lower, tests, where))
    if "effect" not in roles:
        hint = " (Allele1 may be it or not: see layout.yaml in docs/scores.md)" if "allele1" in lower else ""
        raise SpecError(f"{where}: no column effect_allele: it is no scoring file{hint}")
    weights, scores = _weights(columns, lower, roles, where, asked)
    if not weights and not is_dosed:
        raise SpecError(f"{where}: no column effect_weight, nor any other that could hold weights")
    return Layout(len(lower), roles, weights, scores)


def headerless(fields: Sequence[str]) -> Layout | None:
    """The layout of `ID A1 weight`, as plink2 --score has it without a header, and of PRS-CS, which has `chromosome ID
    position A1 A2 weight`; None if the line is none such."""
    try:
        float(fields[-1])
    except (ValueError, IndexError):
        return None
    if len(fields) == len(PRS_CS) + 1 and fields[2].isdigit() and fields[3].isalpha() and fields[4].isalpha():
        return Layout(len(fields), {role: place for place, role in enumerate(PRS_CS)}, (len(PRS_CS),), None)
    return Layout(3, {"id": 0, "effect": 1}, (2,), None) if len(fields) == 3 else None


def _weights(
    columns: Sequence[str], lower: list[str], roles: dict[str, int], where: str, asked: Asked
) -> tuple[tuple[int, ...], tuple[str, ...] | None]:
    if asked.weights is not None:
        return _asked_weights(columns, lower, roles, where, asked)
    if SCORE_WEIGHT in lower:
        return (lower.index(SCORE_WEIGHT),), None
    there = [name for name in WEIGHTS if name in lower]
    if len(there) == 1:
        return (lower.index(there[0]),), None
    rest = there or [columns[i].strip().strip('"') for i in _left(lower, roles)]
    if rest:
        some = ", ".join(rest[:_SHOWN]) + (", ..." if len(rest) > _SHOWN else "")
        raise SpecError(
            f"{where}: does not say which column holds its weights (is it {some}?): call it effect_weight, or put a "
            f"file {LAYOUT_FILE} beside it with weights: [{rest[0]}], or weights: all for a score of every such column"
        )
    return (), ()


def _asked_weights(
    columns: Sequence[str], lower: list[str], roles: dict[str, int], where: str, asked: Asked
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Places and names of the columns that `layout.yaml` names; `all` are those that mean nothing else."""
    bare = [name.strip().strip('"').lstrip("#") for name in columns]
    if asked.weights == "all":
        chosen = _left(lower, roles)
    else:
        names = asked.weights or ()
        gone = [name for name in names if name not in bare]
        if gone:
            raise SpecError(f"{where}: {LAYOUT_FILE} asks for weights {gone[0]!r}, and it has no such column")
        chosen = [bare.index(name) for name in names]
    return tuple(chosen), tuple(bare[i] for i in chosen)


def _left(lower: list[str], roles: dict[str, int]) -> list[int]:
    """Places of columns that mean nothing that is known."""
    taken, passed = set(roles.values()), _PASSED_OVER | ASSOCIATION
    return [
        i
        for i, name in enumerate(lower)
        if name and i not in taken and name not in passed and not name.startswith("allelefrequency_effect")
    ]


def _refusal(lower: list[str], tests: list[str], where: str) -> str:
    name = likely(lower)
    asks = f"layout: {name}" if name else f"layout: and one of {', '.join(LAYOUTS)}"
    return (
        f"{where}: has columns of an association test ({', '.join(tests[:_SHOWN])}), and is no scoring file as it "
        f"stands. If its effects are to be summed as they are, put a file {LAYOUT_FILE} beside it with {asks}; else "
        "make a score of it first (clumping, PRS-CS, LDpred2, SBayesR)"
    )


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
